// SPDX-License-Identifier: Apache-2.0
// RMS normalisation.
#pragma once

#include <ATen/core/Tensor.h>

namespace brt {

/// Added to mean squares before the root, in norms and in unit lengths alike.
inline constexpr double kNormEpsilon = 1e-6;

/// y = x * rsqrt(mean(x^2) + 1e-6) * gain, over the last axis.
///
/// model.md, "RMSNorm". @param x [..., D]  @param gain [D]
/// @return [..., D], float32 (float64 for float64 input). Gradient to both. Statistics in float32.
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& gain);

}  // namespace brt
