// SPDX-License-Identifier: Apache-2.0
// The gates in plain ATen.
#include "ops/gates.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/sigmoid.h>

#include "ops/shape_check.h"

namespace brt {

at::Tensor fixed_gate(const at::Tensor& state,
                      const at::Tensor& candidate,
                      const at::Tensor& bias) {
  check_shape("fixed_gate", "bias", bias, {state.size(-1)});
  const at::Tensor keep_D = at::sigmoid(bias);
  return state * keep_D + candidate * (1 - keep_D);
}

at::Tensor lstm_gate(const at::Tensor& state,
                     const at::Tensor& candidate,
                     const at::Tensor& input,
                     const at::Tensor& forget) {
  return state * at::sigmoid(forget + 1) + candidate * at::sigmoid(input - 1);
}

}  // namespace brt
