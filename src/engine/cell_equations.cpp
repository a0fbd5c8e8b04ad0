// SPDX-License-Identifier: Apache-2.0
// One function per formula, in the order in which the cell needs them.
#include "engine/cell_equations.h"

#include <algorithm>
#include <cstddef>

#include "base/portable_math.h"
#include "engine/attention_vectors.h"
#include "engine/rms_norm_rows.h"
#include "kernels/gates.h"
#include "kernels/panels.h"
#include "kernels/rounding.h"

namespace brt {

using kernels::Bfloat16;
using kernels::kPanelColumns;

void add_state_ids(std::span<const float> state_RD,
                   std::span<const float> gain_D,
                   std::span<const float> ids_RD,
                   std::span<float> out_RD,
                   float* root_R) {
  rms_norm_rows(state_RD, gain_D, out_RD.data(), root_R);
  for (size_t i = 0; i < state_RD.size(); ++i) {
    out_RD[i] += ids_RD[i];
  }
}

template <class T>
void pack_state_keys(const ModelConfig& config,
                     kernels::Rows<const float> keys_RK,
                     float* unit_RK,
                     T* panel) {
  for (int64_t r = 0; r < keys_RK.count; ++r) {
    make_key(config, keys_RK.data + r * keys_RK.stride, unit_RK + r * config.head_size);
  }
  kernels::PackArgs<float, T> args;
  args.source = unit_RK;
  args.source_stride = config.head_size;
  args.panels = panel;
  args.depth = config.head_size;
  args.columns = keys_RK.count;
  kernels::pack_columns(args, 0, 1);
}

template <class T>
void pack_state_values(const ModelConfig& config,
                       kernels::Rows<const float> values_RK,
                       int64_t first_state,
                       T* panels) {
  const int64_t panel_size = kernels::panel_size(config.num_states, panels);
  for (int64_t column = 0; column < config.head_size; column += kPanelColumns) {
    kernels::PackArgs<float, T> args;
    args.source = values_RK.data + column;
    args.source_stride = values_RK.stride;
    args.panels = panels + column / kPanelColumns * panel_size + first_state * kPanelColumns;
    args.depth = values_RK.count;
    args.columns = std::min(kPanelColumns, config.head_size - column);
    kernels::pack_rows(args, 0, 1);
  }
}

template <class T>
void make_state_queries(const ModelConfig& config,
                        const float* projected_E,
                        float* query_K,
                        T* out_E) {
  for (int64_t head = 0; head < config.num_heads; ++head) {
    const int64_t column = head * config.head_size;
    make_query(config, projected_E + column, query_K);
    kernels::round_row(query_K, out_E + column, config.head_size);
  }
}

void join_attention(std::span<float> attended_K,
                    float& log_sum,
                    std::span<const float> part_K,
                    float part_log_sum) {
  const float larger = std::max(log_sum, part_log_sum);
  const double old_weight = portable_exp(static_cast<double>(log_sum - larger));
  const double new_weight = portable_exp(static_cast<double>(part_log_sum - larger));
  const float joined = larger + static_cast<float>(portable_log(old_weight + new_weight));
  const float old_share = static_cast<float>(portable_exp(static_cast<double>(log_sum - joined)));
  const float new_share =
      static_cast<float>(portable_exp(static_cast<double>(part_log_sum - joined)));
  for (size_t k = 0; k < attended_K.size(); ++k) {
    attended_K[k] = attended_K[k] * old_share + part_K[k] * new_share;
  }
  log_sum = joined;
}

void apply_tanh(std::span<float> candidate_D) {
  for (float& value : candidate_D) {
    value = static_cast<float>(portable_tanh(static_cast<double>(value)));
  }
}

void apply_fixed_gate(const GateWeights& gate,
                      std::span<float> state_D,
                      const float* candidate_D,
                      float* scratch_D) {
  const int64_t width = static_cast<int64_t>(state_D.size());
  kernels::fixed_gate(kernels::FixedGateArgs<float>{state_D.data(), candidate_D, gate.keep_D.data(),
                                                    scratch_D, width},
                      0, 1);
  std::copy(scratch_D, scratch_D + width, state_D.data());
}

void apply_lstm_gate(const GateWeights& gate,
                     std::span<float> state_D,
                     const LstmGateInputs& inputs,
                     float* scratch_D) {
  const size_t width = state_D.size();
  for (size_t d = 0; d < width; ++d) {
    inputs.input_D[d] += gate.input_bias_D[d];
    inputs.forget_D[d] += gate.forget_bias_D[d];
  }
  kernels::lstm_gate(kernels::LstmGateArgs<float>{state_D.data(), inputs.candidate_D,
                                                  inputs.input_D, inputs.forget_D, scratch_D},
                     0, static_cast<int64_t>(width));
  std::copy(scratch_D, scratch_D + width, state_D.data());
}

template void pack_state_keys(const ModelConfig&, kernels::Rows<const float>, float*, float*);
template void pack_state_keys(const ModelConfig&, kernels::Rows<const float>, float*, Bfloat16*);
template void pack_state_values(const ModelConfig&, kernels::Rows<const float>, int64_t, float*);
template void pack_state_values(const ModelConfig&, kernels::Rows<const float>, int64_t, Bfloat16*);
template void make_state_queries(const ModelConfig&, const float*, float*, float*);
template void make_state_queries(const ModelConfig&, const float*, float*, Bfloat16*);

}  // namespace brt
