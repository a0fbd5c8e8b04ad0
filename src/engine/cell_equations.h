// SPDX-License-Identifier: Apache-2.0
// The formulas of the recurrent cell between its products with weights (model.md, "The recurrent
// layer", "Gates"), on some states in plain memory. state_update.h has their order.
#pragma once

#include <cstdint>
#include <span>

#include "config/model_config.h"
#include "engine/layer_weights.h"
#include "kernels/panel_attention.h"

namespace brt {

/// s = rmsnorm(c) + state_ids. @param root_R  scratch: one number a row
void add_state_ids(std::span<const float> state_RD,
                   std::span<const float> gain_D,
                   std::span<const float> ids_RD,
                   std::span<float> out_RD,
                   float* root_R);

/// Ks of one head: up to 64 keys of states, at unit length, as one panel of Ks^T.
/// @param unit_RK  scratch for the keys
template <class T>
void pack_state_keys(const ModelConfig& config,
                     kernels::Rows<const float> keys_RK,
                     float* unit_RK,
                     T* panel);

/// Vs of one head: values of states [first_state, ...), an even number, in panels of Vs [S, K].
template <class T>
void pack_state_values(const ModelConfig& config,
                       kernels::Rows<const float> values_RK,
                       int64_t first_state,
                       T* panels);

/// qs or qe of one state, all heads: unit length, rounded. @param query_K  scratch
template <class T>
void make_state_queries(const ModelConfig& config,
                        const float* projected_E,
                        float* query_K,
                        T* out_E);

/// Attention over some keys, and the log l of its softmax's denominator, joined with that over
/// other keys, log m:
///
///   re = (e^l re + e^m part) / (e^l + e^m),  l = log(e^l + e^m)
void join_attention(std::span<float> attended_K,
                    float& log_sum,
                    std::span<const float> part_K,
                    float part_log_sum);

/// z = tanh(z)
void apply_tanh(std::span<float> candidate_D);

/// c = c g + z (1 - g),  g = sigmoid(b_g), of one state. @param scratch_D  as wide as the state
void apply_fixed_gate(const GateWeights& gate,
                      std::span<float> state_D,
                      const float* candidate_D,
                      float* scratch_D);

/// What a gate of type lstm reads of one state.
struct LstmGateInputs {
  const float* candidate_D = nullptr;  ///< z
  float* input_D = nullptr;            ///< h Wi; b_i is added to it
  float* forget_D = nullptr;           ///< h Wf; b_f is added to it
};

/// c = c f + z i,  i = sigmoid(h Wi + b_i - 1),  f = sigmoid(h Wf + b_f + 1), of one state.
void apply_lstm_gate(const GateWeights& gate,
                     std::span<float> state_D,
                     const LstmGateInputs& inputs,
                     float* scratch_D);

}  // namespace brt
