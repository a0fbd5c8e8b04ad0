// SPDX-License-Identifier: Apache-2.0
// The weights of one layer as the engine takes them: matrices to be packed, all else float32.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "config/model_config.h"
#include "engine/tensor_reader.h"
#include "engine/weight_format.h"
#include "engine/weight_matrix.h"

namespace brt {

/// model.md, "Gates". Wi and Wf are parts of the matrices that multiply the gate's input.
struct GateWeights {
  std::vector<float> keep_D;         ///< fixed: sigmoid(b_g)
  std::vector<float> input_bias_D;   ///< lstm: b_i
  std::vector<float> forget_bias_D;  ///< lstm: b_f
};

/// The recurrent cell (model.md, "The recurrent layer" and "Configurations").
struct CellWeights {
  std::vector<float> initial_state_SD;
  std::vector<float> state_ids_SD;
  std::vector<float> state_norm_D;
  std::vector<float> scale_H;        ///< |b|, states over states
  std::vector<float> cross_scale_H;  ///< |b2|, states over tokens
  WeightMatrix keys_values;          ///< Wk', Wv'
  WeightMatrix queries;              ///< Wq', Wq2'
  /// What multiplies [rs ; re], cut into the columns for rs and those for re. dual, skip: Wo' and
  /// of an lstm gate Wi, Wf; single: W1'.
  WeightMatrix state_projection;
  WeightMatrix token_projection;
  GateWeights gate;
  std::vector<float> ffn_norm_D;  ///< dual
  WeightMatrix up;                ///< dual: W1'
  WeightMatrix down;              ///< dual, single: W2' and of an lstm gate Wi, Wf
  GateWeights ffn_gate;           ///< dual
};

struct LayerWeights {
  std::vector<float> attention_norm_D;
  WeightMatrix qkv;            ///< Wk, Wv, Wq and, where tokens attend to states, Wq2
  std::vector<float> scale_H;  ///< |a|; 1 without unit_attention
  std::vector<float> bias_HW;  ///< t5: by the key's index among the W visible ones, else empty
  std::vector<float> cross_scale_H;  ///< |a2|, where tokens attend to states
  WeightMatrix output;               ///< Wo
  std::vector<float> ffn_norm_D;
  WeightMatrix up;    ///< W1
  WeightMatrix down;  ///< W2
  bool attends_to_states = false;
  std::optional<CellWeights> cell;
};

/// The weights of layer `index` (model.md, "Checkpoint names"). Matrices refer to the reader's
/// file: they are to be packed while it is there. What is missing is reported by the reader's
/// finish().
LayerWeights read_layer(const ModelConfig& config,
                        WeightFormat format,
                        int64_t index,
                        TensorReader& tensors);

}  // namespace brt
