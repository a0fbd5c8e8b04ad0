// SPDX-License-Identifier: Apache-2.0
// Views of a stream's buffers.
#include "engine/stream_state.h"

#include <algorithm>

#include "engine/panel_cache.h"
#include "engine/stream_layout.h"

namespace brt {
namespace {

using kernels::Bfloat16;

/// Rows [W + r, H, K] of a cache, oldest first. read(head, block, position, out_K) gets one vector.
template <class Read>
std::vector<float> cached_rows(StreamState& state, int64_t layer, const Read& read) {
  const ModelConfig& config = StateAccess::layout(state)->config;
  const int64_t row = heads_width(config);
  const int64_t num_rows = config.window + state.tokens_read() % config.window;
  std::vector<float> rows(static_cast<size_t>(num_rows * row));
  for (int64_t n = 0; n < num_rows; ++n) {
    const int64_t block = n < config.window ? kPreviousBlock : kCurrentBlock;
    for (int64_t head = 0; head < config.num_heads; ++head) {
      read(StreamHead{state, layer, head}, block, n % config.window,
           rows.data() + n * row + head * config.head_size);
    }
  }
  return rows;
}

template <class T>
std::vector<float> keys_of(StreamState& state, int64_t layer) {
  const int64_t head_size = StateAccess::layout(state)->config.head_size;
  return cached_rows(state, layer,
                     [&](const StreamHead& of, int64_t block, int64_t position, float* out_K) {
                       read_key(StateAccess::keys<T>(of, block), head_size, position, out_K);
                     });
}

template <class T>
std::vector<float> values_of(StreamState& state, int64_t layer) {
  const ModelConfig& config = StateAccess::layout(state)->config;
  return cached_rows(state, layer,
                     [&](const StreamHead& of, int64_t block, int64_t position, float* out_K) {
                       read_value(StateAccess::values<T>(of, block), config.head_size,
                                  config.window, position, out_K);
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
