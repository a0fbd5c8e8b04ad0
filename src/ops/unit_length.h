// SPDX-License-Identifier: Apache-2.0
// Query and key vectors of unit length.
#pragma once

#include <ATen/core/Tensor.h>

namespace brt {

/// y = x * rsqrt(sum(x^2) + 1e-6), over the last axis.
///
/// model.md, "Unit queries and keys". @param x [..., K]
/// @return the shape and dtype of x. Gradient to x. The sum is float32.
at::Tensor unit_length(const at::Tensor& x);

}  // namespace brt
