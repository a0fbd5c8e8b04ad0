// SPDX-License-Identifier: Apache-2.0
// Unit length by kernels: for ops/unit_length.cpp alone.
#pragma once

#include <ATen/core/Tensor.h>

namespace brt {

/// Whether the kernels compute this: float32 or bfloat16 on the CPU.
bool is_unit_length_fused(const at::Tensor& x);

/// What ops/unit_length.h promises; is_unit_length_fused() holds.
at::Tensor fused_unit_length(const at::Tensor& x);

}  // namespace brt
