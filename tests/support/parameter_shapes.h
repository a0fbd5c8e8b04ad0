// SPDX-License-Identifier: Apache-2.0
// Names and shapes of all parameters of a model: the table of docs/model.md, "Checkpoint names".
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "config/model_config.h"

namespace brt {

using ParameterShapes = std::map<std::string, std::vector<int64_t>>;

class ParameterTable {
 public:
  /// @param config  recurrent layers counted from the bottom
  explicit ParameterTable(const ModelConfig& config)
      : config_(config),
        width_(config.width),
        heads_(config.num_heads),
        joined_(config.num_heads * config.head_size),
        ffn_(config.ffn_width) {
    shapes_["embedding.weight"] = {config.vocab_size, width_};
    shapes_["final_norm.weight"] = {width_};
    for (int64_t i = 0; i < config.num_layers; ++i) {
      add_layer(i);
    }
  }

  const ParameterShapes& shapes() const { return shapes_; }

 private:
  const ModelConfig& config_;
  int64_t width_;
  int64_t heads_;
  int64_t joined_;
  int64_t ffn_;
  ParameterShapes shapes_;

  void add_layer(int64_t index) {
    const std::string layer = "layers." + std::to_string(index) + ".";
    const bool recurrent = std::ranges::count(config_.recurrent_layers, index) > 0;
    const bool attends_to_states = recurrent || config_.feedback;
    for (const std::string projection : {"query", "key", "value"}) {
      shapes_[layer + "attention." + projection + ".weight"] = {joined_, width_};
    }
    shapes_[layer + "attention.output.weight"] = {width_,
                                                  attends_to_states ? 2 * joined_ : joined_};
    shapes_[layer + "attention_norm.weight"] = {width_};
    shapes_[layer + "ffn_norm.weight"] = {width_};
    shapes_[layer + "ffn.up.weight"] = {ffn_, width_};
    shapes_[layer + "ffn.down.weight"] = {width_, ffn_};
    if (config_.unit_attention) {
      shapes_[layer + "attention.scale"] = {heads_};
    }
    if (config_.position == PositionType::kT5) {
      shapes_[layer + "attention.position_bias"] = {heads_, config_.num_buckets};
    }
    if (attends_to_states) {
      shapes_[layer + "attention.cross_query.weight"] = {joined_, width_};
      if (config_.unit_attention) {
        shapes_[layer + "attention.cross_scale"] = {heads_};
      }
    }
    if (recurrent) {
      add_cell(layer + "cell.");
    }
  }

  void add_cell(const std::string& cell) {
    shapes_[cell + "initial_state"] = {config_.num_states, width_};
    shapes_[cell + "state_ids"] = {config_.num_states, width_};
    shapes_[cell + "state_norm.weight"] = {width_};
    for (const std::string projection : {"key", "value", "query", "cross_query"}) {
      shapes_[cell + projection + ".weight"] = {joined_, width_};
    }
    if (config_.unit_attention) {
      shapes_[cell + "scale"] = {heads_};
      shapes_[cell + "cross_scale"] = {heads_};
    }
    if (config_.cell != CellType::kSingle) {
      shapes_[cell + "output.weight"] = {width_, 2 * joined_};
    }
    if (config_.cell == CellType::kDual) {
      shapes_[cell + "ffn_norm.weight"] = {width_};
      add_gate(cell + "ffn_gate", ffn_);
    }
    if (config_.cell != CellType::kSkip) {
      shapes_[cell + "ffn.up.weight"] = {ffn_,
                                         config_.cell == CellType::kSingle ? 2 * joined_ : width_};
      shapes_[cell + "ffn.down.weight"] = {width_, ffn_};
    }
    add_gate(cell + "gate", config_.cell == CellType::kSingle ? ffn_ : 2 * joined_);
  }

  void add_gate(const std::string& name, int64_t source) {
    if (config_.gate == GateType::kFixed) {
      shapes_[name + ".bias"] = {width_};
      return;
    }
    for (const std::string projection : {".input", ".forget"}) {
      shapes_[name + projection + ".weight"] = {width_, source};
      shapes_[name + projection + ".bias"] = {width_};
    }
  }
};

inline ParameterShapes parameter_shapes(const ModelConfig& config) {
  return ParameterTable(config).shapes();
}

}  // namespace brt
