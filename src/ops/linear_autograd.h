// SPDX-License-Identifier: Apache-2.0
// The fused projections with their gradients.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "ops/packed_weight.h"

namespace brt {

enum class LinearOutput {
  kPlain,  ///< x weight^T
  kRelu,   ///< max(x weight^T, 0)
  kAdd,    ///< residual + x weight^T, float32
};

/// Whether the kernels compute this: a float32 weight on the CPU, products in float32 or bfloat16.
bool is_linear_fused(const at::Tensor& x, const at::Tensor& weight, at::ScalarType dtype);

/// What ops/linear.h promises; is_linear_fused() holds. kRelu and kAdd take one weight.
/// @param x         of the compute dtype
/// @param residual  of kAdd, float32; else undefined
std::vector<at::Tensor> fused_linear_group(const at::Tensor& x,
                                           const std::vector<WeightRef>& weights,
                                           LinearOutput output,
                                           const at::Tensor& residual);

}  // namespace brt
