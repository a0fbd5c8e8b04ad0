// SPDX-License-Identifier: Apache-2.0
// Views of a stream's buffers.
#include "engine/stream_state.h"

#include <algorithm>

#include "engine/panel_cache.h"
#include "engine/stream_layout.h"

namespace brt {
namespace {

using kernels::Bfloat16;

/// Rows [W + r, H, K] of a cache, oldest first. read(block, head, token, out_K) gets one vector;
/// block 1 is the one before the current one.
template <class Read>
std::vector<float> cached_rows(const ModelConfig& config, int64_t tokens_read, const Read& read) {
  const int64_t row = config.num_heads * config.head_size;
  const int64_t current = tokens_read % config.window;
  std::vector<float> rows(static_cast<size_t>((config.window + current) * row));
  for (int64_t n = 0; n < config.window + current; ++n) {
    for (int64_t head = 0; head < config.num_heads; ++head) {
      float* out = rows.data() + n * row + head * config.head_size;
      read(n < config.window ? 1 : 0, head, n % config.window, out);
    }
  }
  return rows;
}

template <class T>
std::vector<float> keys_of(StreamState& state, int64_t layer) {
  const StreamLayout& layout = *StateAccess::layout(state);
  const int64_t offset = layout.layers[static_cast<size_t>(layer)].keys;
  return cached_rows(layout.config, state.tokens_read(),
                     [&](int64_t block, int64_t head, int64_t token, float* out_K) {
                       read_key(
                           StateAccess::cache<T>(state, offset, layout.key_head_bytes, block, head),
                           layout.config.head_size, token, out_K);
                     });
}

template <class T>
std::vector<float> values_of(StreamState& state, int64_t layer) {
  const StreamLayout& layout = *StateAccess::layout(state);
  const int64_t offset = layout.layers[static_cast<size_t>(layer)].values;
  return cached_rows(
      layout.config, state.tokens_read(),
      [&](int64_t block, int64_t head, int64_t token, float* out_K) {
        read_value(StateAccess::cache<T>(state, offset, layout.value_head_bytes, block, head),
                   layout.config.head_size, layout.config.window, token, out_K);
      });
}

}  // namespace

std::string_view StreamState::cache_dtype() const { return layout_->is_float ? "F32" : "BF16"; }

std::span<const float> StreamState::logits() const {
  if (tokens_read_ == 0) {
    return {};
  }
  return {memory_.at<float>(layout_->logits), static_cast<size_t>(layout_->config.vocab_size)};
}

std::vector<float> StreamState::keys(int64_t layer) const {
  StreamState& self = const_cast<StreamState&>(*this);  // only read
  return layout_->is_float ? keys_of<float>(self, layer) : keys_of<Bfloat16>(self, layer);
}

std::vector<float> StreamState::values(int64_t layer) const {
  StreamState& self = const_cast<StreamState&>(*this);  // only read
  return layout_->is_float ? values_of<float>(self, layer) : values_of<Bfloat16>(self, layer);
}

std::span<const float> StreamState::state(int64_t layer) const {
  if (!is_recurrent_layer(layout_->config, layer)) {
    return {};
  }
  const int64_t offset = layout_->layers[static_cast<size_t>(layer)].cell.state;
  return {memory_.at<float>(offset),
          static_cast<size_t>(layout_->config.num_states * layout_->config.width)};
}

void StreamState::for_each_part(
    const std::function<void(const std::string&, std::span<std::byte>)>& visit) {
  for (const StreamLayout::Part& part : layout_->parts) {
    visit(part.name, {memory_.at<std::byte>(part.offset), static_cast<size_t>(part.bytes)});
  }
}

void StreamState::for_each_part(
    const std::function<void(const std::string&, std::span<const std::byte>)>& visit) const {
  for (const StreamLayout::Part& part : layout_->parts) {
    visit(part.name, {memory_.at<std::byte>(part.offset), static_cast<size_t>(part.bytes)});
  }
}

}  // namespace brt
