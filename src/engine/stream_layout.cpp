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
  return std::max({config.width, heads_width(config), ffn_width});
}

int64_t take(int64_t& bytes, int64_t size) {
  const int64_t offset = bytes;
  bytes += round_up(size, kAlignment);
  return offset;
}

CellOffsets lay_out_cell(const CellWeights& cell, const StreamLayout& layout, int64_t& bytes) {
  const ModelConfig& config = layout.config;
  const int64_t states = config.num_states;
  const int64_t joined = states * heads_width(config);
  const int64_t element = layout.is_float ? sizeof(float) : sizeof(Bfloat16);
  const int64_t number = sizeof(float);
  CellOffsets offsets;
  offsets.state = take(bytes, states * config.width * number);
  offsets.keys = take(bytes, config.num_heads * layout.state_key_bytes);
  offsets.values = take(bytes, config.num_heads * layout.state_value_bytes);
  offsets.qkv =
      take(bytes, states * number * std::max(cell.keys_values.columns(), cell.queries.columns()));
  offsets.operand = take(bytes, layout.cell_operand.bytes());
  offsets.queries = take(bytes, joined * element);
  offsets.cross_queries = take(bytes, joined * element);
  offsets.attended = take(bytes, joined * number);
  offsets.log_sum = take(bytes, states * config.num_heads * number);
  offsets.projection = take(bytes, states * cell.state_projection.columns() * number);
  offsets.hidden = take(bytes, states * cell.up.columns() * number);
  offsets.ffn_projection = take(bytes, states * cell.down.columns() * number);
  return offsets;
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
    LayerOffsets offsets;
    offsets.keys = take(bytes, heads * key_head_bytes);
    offsets.values = take(bytes, heads * value_head_bytes);
    offsets.rotated_keys = config.position == PositionType::kRotary
                               ? take(bytes, heads * key_head_bytes)
                               : offsets.keys;
    parts.push_back({fmt::format("keys.{}", i), offsets.keys, heads * key_head_bytes});
    parts.push_back({fmt::format("values.{}", i), offsets.values, heads * value_head_bytes});
    if (model.layer(i).cell) {
      offsets.cell = lay_out_cell(*model.layer(i).cell, *this, bytes);
      parts.push_back({fmt::format("state.{}", i), offsets.cell.state, state_bytes});
    }
    layers.push_back(offsets);
  }
  const int64_t logits_bytes = config.vocab_size * static_cast<int64_t>(sizeof(float));
  logits = take(bytes, logits_bytes);
  parts.push_back({"logits", logits, logits_bytes});
}

}  // namespace brt
