// SPDX-License-Identifier: Apache-2.0
// The sizes of a stream's buffers.
#include "engine/stream_layout.h"

#include <algorithm>

#include <fmt/format.h>

#include "engine/alignment.h"
#include "kernels/panels.h"

namespace brt {
namespace {

using kernels::Bfloat16;

/// Bytes of a matrix [depth, columns] in panels of T.
int64_t panels_bytes(int64_t depth, int64_t columns, bool is_float) {
  const int64_t panels = kernels::num_panels(columns);
  return is_float ? aligned_bytes<float>(
                        panels * kernels::panel_size(depth, static_cast<const float*>(nullptr)))
                  : aligned_bytes<Bfloat16>(
                        panels * kernels::panel_size(depth, static_cast<const Bfloat16*>(nullptr)));
}

/// The deepest rows that a cell's products read.
int64_t deepest(const ModelConfig& config) {
  const int64_t ffn_width = config.cell == CellType::kSkip ? 0 : config.ffn_width;
  return std::max({config.width, config.num_heads * config.head_size, ffn_width});
}

int64_t take(int64_t& bytes, int64_t size) {
  const int64_t place = bytes;
  bytes += round_up(size, kAlignment);
  return place;
}

CellPlaces place_cell(const CellWeights& cell, const StreamLayout& layout, int64_t& bytes) {
  const ModelConfig& config = layout.config;
  const int64_t states = config.num_states;
  const int64_t joined = states * config.num_heads * config.head_size;
  const int64_t element = layout.is_float ? sizeof(float) : sizeof(Bfloat16);
  const int64_t number = sizeof(float);
  CellPlaces places;
  places.state = take(bytes, states * config.width * number);
  places.keys = take(bytes, config.num_heads * layout.state_key_bytes);
  places.values = take(bytes, config.num_heads * layout.state_value_bytes);
  places.heads =
      take(bytes, states * number * std::max(cell.keys_values.columns(), cell.queries.columns()));
  places.operand = take(bytes, layout.cell_operand.bytes());
  places.queries = take(bytes, joined * element);
  places.cross_queries = take(bytes, joined * element);
  places.read = take(bytes, joined * number);
  places.log_sum = take(bytes, states * config.num_heads * number);
  places.maps = take(bytes, states * cell.over_states.columns() * number);
  places.hidden = take(bytes, states * cell.up.columns() * number);
  places.hidden_maps = take(bytes, states * cell.down.columns() * number);
  return places;
}

}  // namespace

StreamLayout::StreamLayout(const PackedModel& model)
    : config(model.config()),
      format(model.format()),
      fingerprint(model.fingerprint()),
      is_float(format == WeightFormat::kFloat32),
      key_head_bytes(panels_bytes(config.head_size, config.window, is_float)),
      value_head_bytes(panels_bytes(config.window, config.head_size, is_float)),
      state_key_bytes(panels_bytes(config.head_size, config.num_states, is_float)),
      state_value_bytes(panels_bytes(config.num_states, config.head_size, is_float)),
      cell_operand(format, config.num_states, deepest(config)) {
  const int64_t heads = 2 * config.num_heads;
  const int64_t state_bytes =
      config.num_states * config.width * static_cast<int64_t>(sizeof(float));
  for (int64_t i = 0; i < config.num_layers; ++i) {
    LayerPlaces places;
    places.keys = take(bytes, heads * key_head_bytes);
    places.values = take(bytes, heads * value_head_bytes);
    places.turned_keys = config.position == PositionType::kRotary
                             ? take(bytes, heads * key_head_bytes)
                             : places.keys;
    parts.push_back({fmt::format("keys.{}", i), places.keys, heads * key_head_bytes});
    parts.push_back({fmt::format("values.{}", i), places.values, heads * value_head_bytes});
    if (model.layer(i).cell) {
      places.cell = place_cell(*model.layer(i).cell, *this, bytes);
      parts.push_back({fmt::format("state.{}", i), places.cell.state, state_bytes});
    }
    layers.push_back(places);
  }
  const int64_t logits_bytes = config.vocab_size * static_cast<int64_t>(sizeof(float));
  logits = take(bytes, logits_bytes);
  parts.push_back({"logits", logits, logits_bytes});
}

}  // namespace brt
