// SPDX-License-Identifier: Apache-2.0
// The gates: checks, plain forms, choice of form.
#include "ops/gates.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/sigmoid.h>

#include "ops/gates_autograd.h"
#include "ops/shape_check.h"

namespace brt {
namespace {

bool is_wide(const at::Tensor& x) { return x.is_cpu() && x.scalar_type() == at::kFloat; }

bool have_kernel(const at::Tensor& state, const at::Tensor& candidate) {
  return is_wide(state) && state.numel() > 0 && candidate.sizes() == state.sizes() &&
         (is_wide(candidate) || (candidate.is_cpu() && candidate.scalar_type() == at::kBFloat16));
}

bool is_like(const at::Tensor& x, const at::Tensor& state) {
  return is_wide(x) && x.sizes() == state.sizes();
}

}  // namespace

at::Tensor fixed_gate(const at::Tensor& state,
                      const at::Tensor& candidate,
                      const at::Tensor& bias) {
  check_shape("fixed_gate", "bias", bias, {state.size(-1)});
  return have_kernel(state, candidate) && is_wide(bias)
             ? fused_fixed_gate(state, candidate, bias)
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
  return have_kernel(state, candidate) && is_like(input, state) && is_like(forget, state)
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
