// SPDX-License-Identifier: Apache-2.0
// The gates: checks, plain forms, choice of form.
#include "ops/gates.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/sigmoid.h>

#include "ops/gates_autograd.h"
#include "ops/shape_check.h"

namespace brt {

at::Tensor fixed_gate(const at::Tensor& state,
                      const at::Tensor& candidate,
                      const at::Tensor& bias) {
  check_shape("fixed_gate", "bias", bias, {state.size(-1)});
  return is_fixed_gate_fused(state, candidate, bias) ? fused_fixed_gate(state, candidate, bias)
                                                     : fixed_gate_reference(state, candidate, bias);
}

at::Tensor fixed_gate_reference(const at::Tensor& state,
                                const at::Tensor& candidate,
                                const at::Tensor& bias) {
  const at::Tensor keep_D = at::sigmoid(bias);
  return state * keep_D + candidate * (1 - keep_D);
}

at::Tensor lstm_gate(const at::Tensor& state,
                     const at::Tensor& candidate,
                     const at::Tensor& input,
                     const at::Tensor& forget) {
  return is_lstm_gate_fused(state, candidate, input, forget)
             ? fused_lstm_gate(state, candidate, input, forget)
             : lstm_gate_reference(state, candidate, input, forget);
}

at::Tensor lstm_gate_reference(const at::Tensor& state,
                               const at::Tensor& candidate,
                               const at::Tensor& input,
                               const at::Tensor& forget) {
  return state * at::sigmoid(forget + 1) + candidate * at::sigmoid(input - 1);
}

}  // namespace brt
