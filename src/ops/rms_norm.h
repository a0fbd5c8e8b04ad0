// SPDX-License-Identifier: Apache-2.0
// RMS normalisation.
#pragma once

#include <optional>

#include <ATen/core/Tensor.h>

namespace brt {

/// y = x * rsqrt(mean(x^2) + 1e-6) * gain, over the last axis.
///
/// model.md, "RMSNorm". @param x [..., D]  @param gain [D]
/// @param out_dtype of the result; none: float32 (float64 for float64 input)
/// @return [..., D]: computed in float32 (float64), then rounded once to `out_dtype`. Gradient to
/// both; a result in bfloat16 takes its gradient in bfloat16. Float32 on the CPU takes one pass in
/// each direction, with equal results for any number of threads, and no second derivative.
at::Tensor rms_norm(const at::Tensor& x,
                    const at::Tensor& gain,
                    std::optional<at::ScalarType> out_dtype = std::nullopt);

/// The same in plain ATen: the definition, and what float64 and other devices run.
at::Tensor rms_norm_reference(const at::Tensor& x,
                              const at::Tensor& gain,
                              std::optional<at::ScalarType> out_dtype = std::nullopt);

}  // namespace brt
