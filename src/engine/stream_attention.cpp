// SPDX-License-Identifier: Apache-2.0
// Attention of tokens, head by head, in tiles of rows.
//
// A token's row of the panels depends on its position in the document alone, and zeros that other
// rows of a tile bring into a row's sums add nothing: so a row has the same bits in every tile.
#include "engine/stream_attention.h"

#include <algorithm>

#include "engine/alignment.h"
#include "engine/attention_vectors.h"
#include "kernels/attention_rows.h"
#include "kernels/rounding.h"

namespace brt {

using kernels::Band;
using kernels::Bfloat16;
using kernels::kAttentionRows;
using kernels::kMatmulDepthUnit;
using kernels::kPanelColumns;

namespace {

/// The sources of LayerWeights::qkv.
constexpr int64_t kKey = 0;
constexpr int64_t kValue = 1;
constexpr int64_t kQuery = 2;
constexpr int64_t kCrossQuery = 3;

}  // namespace

template <class T>
StreamAttention<T>::StreamAttention(const PackedModel& model)
    : model_(model), config_(model.config()) {
  if (config_.position == PositionType::kRotary) {
    rotary_.emplace(config_.head_size, 2 * config_.window);
  }
}

/// Room for the window's two blocks, the later one from column W on, and for the states.
template <class T>
int64_t StreamAttention<T>::tile_stride() const {
  const int64_t tokens = config_.window + round_up(config_.window, kPanelColumns);
  return round_up(std::max(tokens, config_.num_states), kPanelColumns);
}

template <class T>
int64_t StreamAttention<T>::scratch_bytes() const {
  const int64_t tile = kAttentionRows * tile_stride();
  return aligned_bytes<float>(tile) + aligned_bytes<T>(tile) +
         2 * aligned_bytes<T>(kAttentionRows * config_.head_size) +
         2 * aligned_bytes<float>(config_.head_size);
}

template <class T>
typename StreamAttention<T>::Scratch StreamAttention<T>::scratch_at(std::byte* memory) const {
  const auto take = [&memory](int64_t bytes) {
    std::byte* part = memory;
    memory += bytes;
    return part;
  };
  const int64_t tile = kAttentionRows * tile_stride();
  const int64_t queries = kAttentionRows * config_.head_size;
  Scratch scratch;
  scratch.tile.stride = tile_stride();
  scratch.tile.logits = reinterpret_cast<float*>(take(aligned_bytes<float>(tile)));
  scratch.tile.weights = reinterpret_cast<T*>(take(aligned_bytes<T>(tile)));
  scratch.query_RK = reinterpret_cast<T*>(take(aligned_bytes<T>(queries)));
  scratch.previous_query_RK = reinterpret_cast<T*>(take(aligned_bytes<T>(queries)));
  scratch.vector.vector_K = reinterpret_cast<float*>(take(aligned_bytes<float>(config_.head_size)));
  scratch.vector.rotated_K =
      reinterpret_cast<float*>(take(aligned_bytes<float>(config_.head_size)));
  scratch.vector.rounded_K = scratch.query_RK;  // keys are appended before queries are made
  return scratch;
}

template <class T>
void StreamAttention<T>::run(int64_t layer,
                             int64_t head,
                             const TokenRows& rows,
                             std::byte* scratch) const {
  const LayerWeights& weights = model_.layer(layer);
  const Call call = {weights, {*rows.state, layer, head}, rows, scratch_at(scratch)};
  append(call);
  for (int64_t first = 0; first < rows.count; first += kAttentionRows) {
    const int64_t count = std::min(kAttentionRows, rows.count - first);
    self_attention(call, first, count);
    if (weights.attends_to_states) {
      cross_attention(call, first, count);
    }
  }
}

template <class T>
const void* StreamAttention<T>::first_keys(int64_t layer,
                                           int64_t head,
                                           const TokenRows& rows) const {
  const T* keys = StateAccess::rotated_keys<T>({*rows.state, layer, head}, kPreviousBlock);
  return keys + rows.first / kPanelColumns * kernels::panel_size(config_.head_size, keys);
}

template <class T>
void StreamAttention<T>::rotate_keys(StreamState& state) const {
  if (rotary_) {
    rotate_cached_keys<T>(state, *rotary_);
  }
}

template <class T>
void StreamAttention<T>::append(const Call& call) const {
  const WeightMatrix& qkv = call.weights.qkv;
  for (int64_t r = 0; r < call.rows.count; ++r) {
    const float* row =
        call.rows.qkv_RP + r * call.rows.qkv_stride + call.head.head * config_.head_size;
    append_token<T>(call.head, call.rows.first + r, row + qkv.source_column(kKey),
                    row + qkv.source_column(kValue), rotary_ ? &*rotary_ : nullptr,
                    call.scratch.vector);
  }
}

/// Queries of rows [first, first + count) into the scratch; those over tokens rotated as the keys
/// of either block need it: keys keep the rotation of their position in their own block, so for
/// those of the previous block a query stands W positions further.
template <class T>
void StreamAttention<T>::make_queries(const Call& call,
                                      int64_t first,
                                      int64_t count,
                                      int64_t source) const {
  const int64_t head_size = config_.head_size;
  const int64_t column = call.weights.qkv.source_column(source) + call.head.head * head_size;
  float* vector_K = call.scratch.vector.vector_K;
  float* rotated_K = call.scratch.vector.rotated_K;
  for (int64_t r = 0; r < count; ++r) {
    make_query(config_, call.rows.qkv_RP + (first + r) * call.rows.qkv_stride + column, vector_K);
    T* query_K = call.scratch.query_RK + r * head_size;
    if (source != kQuery || !rotary_) {
      kernels::round_row(vector_K, query_K, head_size);
      continue;
    }
    const int64_t position = call.rows.first + first + r;
    rotary_->rotate(vector_K, position, rotated_K);
    kernels::round_row(rotated_K, query_K, head_size);
    rotary_->rotate(vector_K, position + config_.window, rotated_K);
    kernels::round_row(rotated_K, call.scratch.previous_query_RK + r * head_size, head_size);
  }
}

/// Values in whole units, since a product with a rest of the depth costs another step. Those beyond
/// the last row are an old block's, or zeros; their weights are zero, as for rows that see less.
template <class T>
StreamAttention<T>::WindowTile::WindowTile(int64_t first,
                                           int64_t position,
                                           int64_t rows,
                                           int64_t window)
    : first_row(first),
      count(rows),
      first_position(position),
      last_position(position + rows - 1),
      first_key(position / kPanelColumns * kPanelColumns),
      first_value_row(position / kMatmulDepthUnit * kMatmulDepthUnit),
      num_values(std::min(round_up(last_position, kMatmulDepthUnit), window)),
      current({-Band::kEverywhere, position}) {}

template <class T>
void StreamAttention<T>::self_attention(const Call& call, int64_t first, int64_t count) const {
  const WindowTile tile(first, call.rows.first + first, count, config_.window);
  make_queries(call, first, count, kQuery);
  token_logits(call, tile);
  softmax(call, tile);
  token_values(call, tile);
}

/// Columns [first_key, W) of the tile's scratch get those of the previous block, columns from W on
/// those of the current one. What the last panel holds beyond the previous block is overwritten.
template <class T>
void StreamAttention<T>::token_logits(const Call& call, const WindowTile& tile) const {
  const Scratch& scratch = call.scratch;
  const T* current_keys = StateAccess::rotated_keys<T>(call.head, kCurrentBlock);
  const T* first_values =
      StateAccess::values<T>(call.head, kPreviousBlock) + tile.first_value_row * kPanelColumns;
  kernels::KeyProducts<T> args;
  args.keys = {StateAccess::rotated_keys<T>(call.head, kPreviousBlock), config_.head_size,
               config_.window};
  args.rows = {rotary_ ? scratch.previous_query_RK : scratch.query_RK, config_.head_size,
               tile.count};
  args.first_panel = tile.first_key / kPanelColumns;
  args.num_panels = kernels::num_panels(config_.window) - args.first_panel;
  args.out = scratch.tile.logits + tile.first_key;
  args.out_stride = scratch.tile.stride;
  args.wanted = {tile.first_position - tile.first_key, Band::kEverywhere};
  args.next = tile.last_position > 0 ? current_keys : first_values;
  kernels::key_products(args);

  args.keys.panels = current_keys;
  args.rows.data = scratch.query_RK;
  args.first_panel = 0;
  args.num_panels = kernels::num_panels(tile.last_position);
  args.out = scratch.tile.logits + config_.window;
  args.wanted = tile.current;
  args.next = first_values;
  kernels::key_products(args);
}

/// Weights of the keys from first_key on; hidden ones are zero.
template <class T>
void StreamAttention<T>::softmax(const Call& call, const WindowTile& tile) const {
  const int64_t window = config_.window;
  const int64_t end = window + tile.num_values;
  const bool cache_is_hidden = config_.mask_empty_cache && call.rows.state->tokens_read() < window;
  const int64_t head = call.head.head;
  for (int64_t r = 0; r < tile.count; ++r) {
    const int64_t position = tile.first_position + r;
    const int64_t row_begin = cache_is_hidden ? window : position;
    const int64_t row_end = position + window;
    T* weights = call.scratch.tile.weights + r * call.scratch.tile.stride;
    kernels::AttentionRow row;
    row.product = call.scratch.tile.logits + r * call.scratch.tile.stride + row_begin;
    row.bias = call.weights.bias_HW.empty()
                   ? nullptr
                   : call.weights.bias_HW.data() + head * window + (row_begin - position);
    row.scale = call.weights.scale_H[static_cast<size_t>(head)];
    row.count = row_end - row_begin;
    std::fill(weights + tile.first_key, weights + row_begin, T{});
    kernels::attention_rows<T>().softmax(row, weights + row_begin);
    std::fill(weights + row_end, weights + std::max(row_end, end), T{});
  }
}

/// ys: the sum over the previous block's values, plus that over the current one's.
template <class T>
void StreamAttention<T>::token_values(const Call& call, const WindowTile& tile) const {
  const kernels::AttentionScratch<T>& scratch = call.scratch.tile;
  const T* current_values = StateAccess::values<T>(call.head, kCurrentBlock);
  const T* next = static_cast<const T*>(call.rows.next);
  kernels::ValueSums<T> args;
  args.values = {StateAccess::values<T>(call.head, kPreviousBlock), config_.window,
                 config_.head_size};
  args.weights = {scratch.weights + tile.first_value_row, scratch.stride, tile.count};
  args.first_key = tile.first_value_row;
  args.num_keys = config_.window - tile.first_value_row;
  args.out = call.rows.joined_RE + tile.first_row * call.rows.joined_stride +
             call.head.head * config_.head_size;
  args.out_stride = call.rows.joined_stride;
  args.band = {tile.first_position - tile.first_value_row, Band::kEverywhere};
  args.next = tile.last_position > 0 ? current_values : next;
  kernels::value_sums(args);

  args.values.panels = current_values;
  args.weights.data = scratch.weights + config_.window;
  args.first_key = 0;
  args.num_keys = tile.num_values;
  args.output = kernels::MatmulOutput::kAddFloat;
  args.band = tile.current;
  args.next = next;
  kernels::value_sums(args);
}

/// Over the states of the layer itself or, of block feedback, of the topmost recurrent one.
template <class T>
void StreamAttention<T>::cross_attention(const Call& call, int64_t first, int64_t count) const {
  make_queries(call, first, count, kCrossQuery);
  StreamHead states = call.head;
  states.layer = call.weights.cell ? call.head.layer : topmost_recurrent_layer(config_);
  const size_t head = static_cast<size_t>(call.head.head);
  kernels::FullAttention<T> args;
  args.keys = {StateAccess::state_keys<T>(states), config_.head_size, config_.num_states};
  args.values = {StateAccess::state_values<T>(states), config_.num_states, config_.head_size};
  args.num_keys = config_.num_states;
  args.scale = call.weights.cross_scale_H[head];
  args.queries = {call.scratch.query_RK, config_.head_size, count};
  args.out = call.rows.joined_RE + first * call.rows.joined_stride +
             (config_.num_heads + call.head.head) * config_.head_size;
  args.out_stride = call.rows.joined_stride;
  args.scratch = call.scratch.tile;
  kernels::full_attention(args);
}

template class StreamAttention<float>;
template class StreamAttention<Bfloat16>;

}  // namespace brt
