// SPDX-License-Identifier: Apache-2.0
// The gates by kernels: for ops/gates.cpp alone.
#pragma once

#include <ATen/core/Tensor.h>

namespace brt {

/// The gates of CPU tensors with at least one element, all of the state's shape but `bias` [D].
/// Float32, but the candidate may be bfloat16.
at::Tensor fused_fixed_gate(const at::Tensor& state,
                            const at::Tensor& candidate,
                            const at::Tensor& bias);
at::Tensor fused_lstm_gate(const at::Tensor& state,
                           const at::Tensor& candidate,
                           const at::Tensor& input,
                           const at::Tensor& forget);

}  // namespace brt
