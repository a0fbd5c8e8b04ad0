// SPDX-License-Identifier: Apache-2.0
// The feed-forward network with its residual.
#pragma once

#include <ATen/core/Tensor.h>

#include "ops/packed_weight.h"

namespace brt {

/// residual + max(x up^T, 0) down^T
///
/// model.md, "The ordinary layer". The hidden numbers are rounded to `dtype`, the last product is
/// not rounded before it is added.
/// @param residual [..., out] float32 (float64 if that is `dtype`)  @param x [..., in] any floating
/// dtype  @param up [F, in]  @param down [out, F]
/// @return as residual. Gradient to residual, x and both weights.
at::Tensor feed_forward_add(const at::Tensor& residual,
                            const at::Tensor& x,
                            const WeightRef& up,
                            const WeightRef& down,
                            at::ScalarType dtype);

}  // namespace brt
