// SPDX-License-Identifier: Apache-2.0
// The tensors of a layer by name (model.md, "Checkpoint names").
#include "engine/layer_weights.h"

#include <cmath>
#include <string>

#include <fmt/format.h>

#include "base/portable_math.h"
#include "config/position_bucket.h"

namespace brt {
namespace {

/// Reads the weights of one layer.
class LayerReader {
 public:
  LayerReader(const ModelConfig& config, WeightFormat format, int64_t index, TensorReader& tensors)
      : config_(config),
        format_(format),
        index_(index),
        prefix_(fmt::format("layers.{}.", index)),
        tensors_(tensors) {}

  LayerWeights read() {
    LayerWeights layer;
    layer.attends_to_states = attends_to_states(config_, index_);
    layer.attention_norm_D = vector("attention_norm.weight", config_.width);
    std::vector<WeightMatrix::Source> sources;
    for (const char* name : {"key", "value", "query"}) {
      sources.push_back(
          source(fmt::format("attention.{}.weight", name), heads_width(config_), config_.width));
    }
    if (layer.attends_to_states) {
      sources.push_back(
          source("attention.cross_query.weight", heads_width(config_), config_.width));
      layer.cross_scale_H = scale("attention.cross_scale");
    }
    layer.qkv = WeightMatrix(format_, config_.width, sources);
    layer.scale_H = scale("attention.scale");
    if (config_.position == PositionType::kT5) {
      layer.bias_HW = position_bias();
    }
    const int64_t joined = (layer.attends_to_states ? 2 : 1) * heads_width(config_);
    layer.output = matrix("attention.output.weight", config_.width, joined);
    layer.ffn_norm_D = vector("ffn_norm.weight", config_.width);
    layer.up = matrix("ffn.up.weight", config_.ffn_width, config_.width);
    layer.down = matrix("ffn.down.weight", config_.width, config_.ffn_width);
    if (is_recurrent_layer(config_, index_)) {
      prefix_ += "cell.";
      layer.cell = read_cell();
    }
    return layer;
  }

 private:
  const ModelConfig& config_;
  WeightFormat format_;
  int64_t index_;
  std::string prefix_;
  TensorReader& tensors_;

  std::vector<float> vector(const std::string& name, int64_t size) {
    return tensors_.copy(prefix_ + name, {size});
  }
  WeightMatrix::Source source(const std::string& name, int64_t columns, int64_t depth) {
    return {tensors_.read(prefix_ + name, {columns, depth}), columns, depth};
  }
  WeightMatrix matrix(const std::string& name, int64_t columns, int64_t depth) {
    return WeightMatrix(format_, depth, {source(name, columns, depth)});
  }

  /// The scales' absolute values: the sign has no meaning.
  std::vector<float> scale(const std::string& name) {
    if (!config_.unit_attention) {
      return std::vector<float>(static_cast<size_t>(config_.num_heads), 1.0F);
    }
    std::vector<float> scale_H = vector(name, config_.num_heads);
    for (float& value : scale_H) {
      value = std::abs(value);
    }
    return scale_H;
  }

  /// bias[h, w] of the w-th key that a token sees, oldest first.
  std::vector<float> position_bias() {
    const std::vector<float> table_HU = tensors_.copy(prefix_ + "attention.position_bias",
                                                      {config_.num_heads, config_.num_buckets});
    const std::vector<int64_t> bucket_W =
        window_buckets(config_.window, config_.num_buckets, config_.max_distance);
    std::vector<float> bias_HW;
    for (int64_t head = 0; head < config_.num_heads && !table_HU.empty(); ++head) {
      for (const int64_t bucket : bucket_W) {
        bias_HW.push_back(table_HU[static_cast<size_t>(head * config_.num_buckets + bucket)]);
      }
    }
    return bias_HW;
  }

  CellWeights read_cell() {
    CellWeights cell;
    const std::vector<int64_t> state_shape = {config_.num_states, config_.width};
    cell.initial_state_SD = tensors_.copy(prefix_ + "initial_state", state_shape);
    cell.state_ids_SD = tensors_.copy(prefix_ + "state_ids", state_shape);
    cell.state_norm_D = vector("state_norm.weight", config_.width);
    cell.scale_H = scale("scale");
    cell.cross_scale_H = scale("cross_scale");
    const int64_t width = config_.width;
    cell.keys_values = WeightMatrix(format_, width,
                                    {source("key.weight", heads_width(config_), width),
                                     source("value.weight", heads_width(config_), width)});
    cell.queries = WeightMatrix(format_, width,
                                {source("query.weight", heads_width(config_), width),
                                 source("cross_query.weight", heads_width(config_), width)});
    read_projections(cell);
    return cell;
  }

  void read_projections(CellWeights& cell) {
    const int64_t joined = 2 * heads_width(config_);
    const bool is_single = config_.cell == CellType::kSingle;
    std::vector<WeightMatrix::Source> sources;
    if (is_single) {
      sources.push_back(source("ffn.up.weight", config_.ffn_width, joined));
    } else {
      sources.push_back(source("output.weight", config_.width, joined));
      cell.gate = read_gate("gate.", joined, sources);
    }
    std::vector<WeightMatrix::Source> of_tokens = sources;
    for (WeightMatrix::Source& part : of_tokens) {
      part.weight = part.weight == nullptr ? nullptr : part.weight + heads_width(config_);
    }
    cell.state_projection = WeightMatrix(format_, heads_width(config_), sources);
    cell.token_projection = WeightMatrix(format_, heads_width(config_), of_tokens);
    if (config_.cell == CellType::kSkip) {
      return;
    }
    if (config_.cell == CellType::kDual) {
      cell.ffn_norm_D = vector("ffn_norm.weight", config_.width);
      cell.up = matrix("ffn.up.weight", config_.ffn_width, config_.width);
    }
    std::vector<WeightMatrix::Source> hidden_sources = {
        source("ffn.down.weight", config_.width, config_.ffn_width)};
    GateWeights& gate = is_single ? cell.gate : cell.ffn_gate;
    gate = read_gate(is_single ? "gate." : "ffn_gate.", config_.ffn_width, hidden_sources);
    cell.down = WeightMatrix(format_, config_.ffn_width, hidden_sources);
  }

  /// The projections of an lstm gate are appended to `sources`, Wi first.
  GateWeights read_gate(const std::string& name,
                        int64_t depth,
                        std::vector<WeightMatrix::Source>& sources) {
    GateWeights gate;
    if (config_.gate == GateType::kFixed) {
      gate.keep_D = vector(name + "bias", config_.width);
      for (float& keep : gate.keep_D) {
        keep = static_cast<float>(1.0 / (1.0 + portable_exp(-static_cast<double>(keep))));
      }
      return gate;
    }
    sources.push_back(source(name + "input.weight", config_.width, depth));
    sources.push_back(source(name + "forget.weight", config_.width, depth));
    gate.input_bias_D = vector(name + "input.bias", config_.width);
    gate.forget_bias_D = vector(name + "forget.bias", config_.width);
    return gate;
  }
};

}  // namespace

LayerWeights read_layer(const ModelConfig& config,
                        WeightFormat format,
                        int64_t index,
                        TensorReader& tensors) {
  return LayerReader(config, format, index, tensors).read();
}

}  // namespace brt
