// SPDX-License-Identifier: Apache-2.0
// Query and key vectors of unit length.
#pragma once

#include <ATen/core/Tensor.h>

namespace brt {

/// y = x * rsqrt(sum(x^2) + 1e-6), over the last axis.
///
/// model.md, "Unit queries and keys". @param x [..., K]
/// @return the shape and dtype of x. Gradient to x. The sum is float32 (float64 for float64 input).
/// Float32 and bfloat16 on the CPU take one pass in each direction, with equal results for any
/// number of threads, and no second derivative.
at::Tensor unit_length(const at::Tensor& x);

/// The same in plain ATen: the definition, and what float64 and other devices run.
at::Tensor unit_length_reference(const at::Tensor& x);

}  // namespace brt
