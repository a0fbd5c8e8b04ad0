// SPDX-License-Identifier: Apache-2.0
// Attention of tokens, head by head, in tiles of rows.
//
// A token's row of the panels depends on its position in the document alone, and zeros that other
// rows of a tile bring into a row's sums add nothing: so a row has the same bits in every tile.
#include "engine/stream_attention.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "engine/alignment.h"
#include "engine/attention_vectors.h"
#include "engine/panel_cache.h"
#include "kernels/attention_rows.h"
#include "kernels/rounding.h"

namespace brt {

using kernels::Band;
using kernels::Bfloat16;
using kernels::kPanelColumns;
using kernels::MatmulOutput;

namespace {

/// The sources of LayerWeights::qkv.
constexpr int64_t kKey = 0;
constexpr int64_t kValue = 1;
constexpr int64_t kQuery = 2;
constexpr int64_t kCrossQuery = 3;

}  // namespace

template <class T>
StreamAttention<T>::StreamAttention(const PackedModel& model, const StreamLayout& layout)
    : model_(model), layout_(layout), config_(model.config()) {
  if (config_.position != PositionType::kRotary) {
    return;
  }
  const double head_size = static_cast<double>(config_.head_size);
  for (int64_t position = 0; position < 2 * config_.window; ++position) {
    for (int64_t pair = 0; pair < config_.head_size / 2; ++pair) {
      const double frequency =
          std::numbers::pi * std::pow(10000.0, static_cast<double>(pair) * (-2.0 / head_size));
      cosine_.push_back(static_cast<float>(std::cos(static_cast<double>(position) * frequency)));
      sine_.push_back(static_cast<float>(std::sin(static_cast<double>(position) * frequency)));
    }
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
  const int64_t tile = kTileRows * tile_stride();
  return aligned_bytes<float>(tile) + aligned_bytes<T>(tile) +
         2 * aligned_bytes<T>(kTileRows * config_.head_size) +
         2 * aligned_bytes<float>(config_.head_size);
}

template <class T>
typename StreamAttention<T>::Scratch StreamAttention<T>::scratch_at(std::byte* memory) const {
  const int64_t tile = kTileRows * tile_stride();
  Scratch scratch;
  scratch.tile.stride = tile_stride();
  scratch.tile.logits = reinterpret_cast<float*>(memory);
  memory += aligned_bytes<float>(tile);
  scratch.tile.weights = reinterpret_cast<T*>(memory);
  memory += aligned_bytes<T>(tile);
  scratch.query_RK = reinterpret_cast<T*>(memory);
  memory += aligned_bytes<T>(kTileRows * config_.head_size);
  scratch.earlier_query_RK = reinterpret_cast<T*>(memory);
  memory += aligned_bytes<T>(kTileRows * config_.head_size);
  scratch.vector_K = reinterpret_cast<float*>(memory);
  memory += aligned_bytes<float>(config_.head_size);
  scratch.rotated_K = reinterpret_cast<float*>(memory);
  return scratch;
}

template <class T>
void StreamAttention<T>::run(int64_t layer,
                             int64_t head,
                             const TokenRows& rows,
                             std::byte* scratch) const {
  const LayerWeights& weights = model_.layer(layer);
  const LayerOffsets& offsets = layout_.layers[static_cast<size_t>(layer)];
  const Call call = {weights, offsets, head, rows, scratch_at(scratch)};
  append(call);
  const int64_t read_layer = weights.cell ? layer : topmost_recurrent_layer(config_);
  for (int64_t first = 0; first < rows.count; first += kTileRows) {
    const int64_t count = std::min(kTileRows, rows.count - first);
    self_attention(call, first, count);
    if (weights.reads_states) {
      cross_attention(call, layout_.layers[static_cast<size_t>(read_layer)].cell, first, count);
    }
  }
}

template <class T>
const void* StreamAttention<T>::first_keys(int64_t layer,
                                           int64_t head,
                                           const TokenRows& rows) const {
  const int64_t offset = layout_.layers[static_cast<size_t>(layer)].rotated_keys;
  const T* keys =
      StateAccess::cache<T>(*rows.state, offset, layout_.key_head_bytes, /*block=*/1, head);
  return keys + rows.first / kPanelColumns * kernels::panel_size(config_.head_size, keys);
}

/// Rotary (model.md, "Position bias").
template <class T>
void StreamAttention<T>::rotate(const float* x_K, int64_t position, float* out_K) const {
  const int64_t half = config_.head_size / 2;
  const float* cosine = cosine_.data() + position * half;
  const float* sine = sine_.data() + position * half;
  for (int64_t j = 0; j < half; ++j) {
    out_K[j] = x_K[j] * cosine[j] - x_K[j + half] * sine[j];
    out_K[j + half] = x_K[j] * sine[j] + x_K[j + half] * cosine[j];
  }
}

template <class T>
void StreamAttention<T>::rotate_keys(StreamState& state) const {
  if (config_.position != PositionType::kRotary) {
    return;
  }
  std::vector<float> key_K(static_cast<size_t>(config_.head_size));
  std::vector<float> rotated_K(static_cast<size_t>(config_.head_size));
  std::vector<T> rounded_K(static_cast<size_t>(config_.head_size));
  for (const LayerOffsets& offsets : layout_.layers) {
    for (int64_t i = 0; i < 2 * config_.num_heads * config_.window; ++i) {
      const int64_t token = i % config_.window;
      const int64_t head = i / config_.window % config_.num_heads;
      const int64_t index = i / config_.window / config_.num_heads;
      read_key(StateAccess::cache<T>(state, offsets.keys, layout_.key_head_bytes, index, head),
               config_.head_size, token, key_K.data());
      rotate(key_K.data(), token, rotated_K.data());
      kernels::round_row(rotated_K.data(), rounded_K.data(), config_.head_size);
      write_key(
          StateAccess::cache<T>(state, offsets.rotated_keys, layout_.key_head_bytes, index, head),
          config_.head_size, token, rounded_K.data());
    }
  }
}

/// A block's keys (or rotated keys, by `offset`) and values; block 0 is the current one.
template <class T>
HeadPanels<T> StreamAttention<T>::block(const Call& call, int64_t offset, int64_t index) const {
  HeadPanels<T> panels;
  panels.keys =
      StateAccess::cache<T>(*call.rows.state, offset, layout_.key_head_bytes, index, call.head);
  panels.values = StateAccess::cache<T>(*call.rows.state, call.offsets.values,
                                        layout_.value_head_bytes, index, call.head);
  panels.head_size = config_.head_size;
  panels.num_keys = config_.window;
  return panels;
}

template <class T>
void StreamAttention<T>::append(const Call& call) const {
  StreamState& state = *call.rows.state;
  const int64_t head_column = call.head * config_.head_size;
  T* keys = StateAccess::cache<T>(state, call.offsets.keys, layout_.key_head_bytes, 0, call.head);
  T* rotated_keys =
      StateAccess::cache<T>(state, call.offsets.rotated_keys, layout_.key_head_bytes, 0, call.head);
  T* values =
      StateAccess::cache<T>(state, call.offsets.values, layout_.value_head_bytes, 0, call.head);
  const int64_t head_size = config_.head_size;
  T* rounded_K = call.scratch.query_RK;  // no query is made yet
  for (int64_t r = 0; r < call.rows.count; ++r) {
    const float* row = call.rows.qkv_RP + r * call.rows.qkv_stride + head_column;
    const int64_t token = call.rows.first + r;
    make_key(config_, row + call.weights.qkv.source_column(kKey), call.scratch.vector_K);
    kernels::round_row(call.scratch.vector_K, rounded_K, head_size);
    write_key(keys, head_size, token, rounded_K);
    if (config_.position == PositionType::kRotary) {
      // Of the rounded key, so that it can be made again from the cache.
      read_key(keys, head_size, token, call.scratch.vector_K);
      rotate(call.scratch.vector_K, token, call.scratch.rotated_K);
      kernels::round_row(call.scratch.rotated_K, rounded_K, head_size);
      write_key(rotated_keys, head_size, token, rounded_K);
    }
    kernels::round_row(row + call.weights.qkv.source_column(kValue), rounded_K, head_size);
    write_value(values, head_size, config_.window, token, rounded_K);
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
  const int64_t column = call.weights.qkv.source_column(source) + call.head * head_size;
  float* vector_K = call.scratch.vector_K;
  for (int64_t r = 0; r < count; ++r) {
    make_query(config_, call.rows.qkv_RP + (first + r) * call.rows.qkv_stride + column, vector_K);
    T* query_K = call.scratch.query_RK + r * head_size;
    if (source != kQuery || config_.position != PositionType::kRotary) {
      kernels::round_row(vector_K, query_K, head_size);
      continue;
    }
    const int64_t position = call.rows.first + first + r;
    rotate(vector_K, position, call.scratch.rotated_K);
    kernels::round_row(call.scratch.rotated_K, query_K, head_size);
    rotate(vector_K, position + config_.window, call.scratch.rotated_K);
    kernels::round_row(call.scratch.rotated_K, call.scratch.earlier_query_RK + r * head_size,
                       head_size);
  }
}

template <class T>
void StreamAttention<T>::self_attention(const Call& call, int64_t first, int64_t count) const {
  make_queries(call, first, count, kQuery);
  const TileScratch<T>& tile = call.scratch.tile;
  const int64_t window = config_.window;
  const int64_t first_position =
      call.rows.first + first;  // in the block: the first row sees from here
  const int64_t last_position = first_position + count - 1;  // ... the last one up to here
  const int64_t begin = first_position / kPanelColumns * kPanelColumns;
  const HeadPanels<T> earlier = block(call, call.offsets.rotated_keys, 1);
  const HeadPanels<T> current = block(call, call.offsets.rotated_keys, 0);
  const T* earlier_query = config_.position == PositionType::kRotary ? call.scratch.earlier_query_RK
                                                                     : call.scratch.query_RK;

  const int64_t first_value_row =
      first_position / kernels::kMatmulDepthUnit * kernels::kMatmulDepthUnit;
  const T* earlier_values = earlier.values + first_value_row * kPanelColumns;
  // In whole units: a product with a rest of the depth costs another step. The values beyond are
  // those of an old block, or zeros; their weights are zero, as for rows of a tile that see less.
  const int64_t num_values = std::min(round_up(last_position, kernels::kMatmulDepthUnit), window);
  const T* behind = static_cast<const T*>(call.rows.next);

  // Row r of the tile sees the earlier block from first_position + r on, the current one before it.
  const Band current_band = {-Band::kEverywhere, first_position};
  key_products<T>(earlier, {earlier_query, config_.head_size, count},
                  {begin / kPanelColumns, kernels::num_panels(window)},
                  {tile.logits + begin, tile.stride, count},
                  {first_position - begin, Band::kEverywhere},
                  last_position > 0 ? current.keys : earlier_values);
  // What the last panel holds beyond the block is overwritten.
  key_products<T>(current, {call.scratch.query_RK, config_.head_size, count},
                  {0, kernels::num_panels(last_position)},
                  {tile.logits + window, tile.stride, count}, current_band, earlier_values);
  softmax(call, first, count, begin, window + num_values);

  const Rows<float> out = {
      call.rows.joined_RE + first * call.rows.joined_stride + call.head * config_.head_size,
      call.rows.joined_stride, count};
  weighted_values<T>(earlier, {tile.weights + first_value_row, tile.stride, count}, first_value_row,
                     window - first_value_row, out, MatmulOutput::kStoreFloat,
                     {first_position - first_value_row, Band::kEverywhere},
                     last_position > 0 ? current.values : behind);
  weighted_values<T>(current, {tile.weights + window, tile.stride, count}, 0, num_values, out,
                     MatmulOutput::kAddFloat, current_band, behind);
}

/// Weights of columns [begin, end) of the tile; hidden ones are zero.
template <class T>
void StreamAttention<T>::softmax(
    const Call& call, int64_t first, int64_t count, int64_t begin, int64_t end) const {
  const int64_t window = config_.window;
  const bool cache_is_hidden = config_.mask_empty_cache && call.rows.state->tokens_read() < window;
  const size_t head = static_cast<size_t>(call.head);
  for (int64_t r = 0; r < count; ++r) {
    const int64_t position = call.rows.first + first + r;
    const int64_t row_begin = cache_is_hidden ? window : position;
    const int64_t row_end = position + window;
    float* logits = call.scratch.tile.logits + r * call.scratch.tile.stride;
    T* weights = call.scratch.tile.weights + r * call.scratch.tile.stride;
    kernels::AttentionRow row;
    row.product = logits + row_begin;
    row.bias = call.weights.bias_HW.empty()
                   ? nullptr
                   : call.weights.bias_HW.data() + call.head * window + (row_begin - position);
    row.scale = call.weights.scale_H[head];
    row.count = row_end - row_begin;
    std::fill(weights + begin, weights + row_begin, T{});
    kernels::attention_rows<T>().softmax(row, weights + row_begin);
    std::fill(weights + row_end, weights + std::max(row_end, end), T{});
  }
}

template <class T>
void StreamAttention<T>::cross_attention(const Call& call,
                                         const CellOffsets& cell,
                                         int64_t first,
                                         int64_t count) const {
  make_queries(call, first, count, kCrossQuery);
  StreamState& state = *call.rows.state;
  HeadPanels<T> states;
  states.keys = StateAccess::at<T>(state, cell.keys + call.head * layout_.state_key_bytes);
  states.values = StateAccess::at<T>(state, cell.values + call.head * layout_.state_value_bytes);
  states.head_size = config_.head_size;
  states.num_keys = config_.num_states;
  float* out = call.rows.joined_RE + first * call.rows.joined_stride +
               (config_.num_heads + call.head) * config_.head_size;
  attend_all<T>(states, call.weights.cross_scale_H[static_cast<size_t>(call.head)],
                {call.scratch.query_RK, config_.head_size, count},
                {out, call.rows.joined_stride, count}, call.scratch.tile);
}

template class StreamAttention<float>;
template class StreamAttention<Bfloat16>;

}  // namespace brt
