// SPDX-License-Identifier: Apache-2.0
// The gates by kernels: for ops/gates.cpp alone.
#pragma once

#include <ATen/core/Tensor.h>

namespace brt {

/// Whether the kernels compute this: all on the CPU, of the state's shape but for `bias` [D], and
/// float32 but for the candidate, which may be bfloat16.
bool is_fixed_gate_fused(const at::Tensor& state,
                         const at::Tensor& candidate,
                         const at::Tensor& bias);
bool is_lstm_gate_fused(const at::Tensor& state,
                        const at::Tensor& candidate,
                        const at::Tensor& input,
                        const at::Tensor& forget);

/// What ops/gates.h promises, where that holds.
at::Tensor fused_fixed_gate(const at::Tensor& state,
                            const at::Tensor& candidate,
                            const at::Tensor& bias);
at::Tensor fused_lstm_gate(const at::Tensor& state,
                           const at::Tensor& candidate,
                           const at::Tensor& input,
                           const at::Tensor& forget);

}  // namespace brt
