// SPDX-License-Identifier: Apache-2.0
// The product with a weight matrix, in the compute precision.
#pragma once

#include <ATen/core/Tensor.h>

namespace brt {

/// y = x weight^T, computed in `dtype`; the weight is stored in float32.
///
/// model.md, "Linear". @param x [..., in] any floating dtype  @param weight [out, in]
/// @return [..., out] of `dtype`. Gradient to x and weight. With bfloat16, products are summed in
/// float32.
at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, at::ScalarType dtype);

}  // namespace brt
