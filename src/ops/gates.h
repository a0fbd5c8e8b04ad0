// SPDX-License-Identifier: Apache-2.0
// How a candidate updates the state.
#pragma once

#include <ATen/core/Tensor.h>

namespace brt {

/// c' = c * g + z * (1 - g),  g = sigmoid(bias).
///
/// model.md, "Gates", fixed; paper section 3.3. @param state [..., D]
/// @param candidate [..., D], may be bfloat16  @param bias [D]
/// Float32 (float64). Gradient to all. Float32 on the CPU takes one pass in each direction, with
/// equal results for any number of threads, and no second derivative.
at::Tensor fixed_gate(const at::Tensor& state, const at::Tensor& candidate, const at::Tensor& bias);

/// c' = c * f + z * i,  i = sigmoid(input - 1),  f = sigmoid(forget + 1).
///
/// model.md, "Gates", lstm: the projections and biases are in `input` and `forget` already.
/// All arguments [..., D], float32 (float64); the candidate may be bfloat16. Otherwise as
/// fixed_gate.
at::Tensor lstm_gate(const at::Tensor& state,
                     const at::Tensor& candidate,
                     const at::Tensor& input,
                     const at::Tensor& forget);

/// The same in plain ATen: the definitions, and what float64 and other devices run.
at::Tensor fixed_gate_reference(const at::Tensor& state,
                                const at::Tensor& candidate,
                                const at::Tensor& bias);
at::Tensor lstm_gate_reference(const at::Tensor& state,
                               const at::Tensor& candidate,
                               const at::Tensor& input,
                               const at::Tensor& forget);

}  // namespace brt
