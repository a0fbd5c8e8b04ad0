// SPDX-License-Identifier: Apache-2.0
// Unit length by kernels: for ops/unit_length.cpp alone.
#pragma once

#include <ATen/core/Tensor.h>

namespace brt {

/// unit_length of a float32 or bfloat16 CPU tensor with at least one element.
at::Tensor fused_unit_length(const at::Tensor& x);

}  // namespace brt
