// SPDX-License-Identifier: Apache-2.0
// The fused linear maps with their gradients.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "ops/linear.h"

namespace brt {

enum class LinearOutput {
  kPlain,  ///< x weight^T
  kRelu,   ///< max(x weight^T, 0)
  kAdd,    ///< residual + x weight^T, float32
};

/// Whether there are kernels for this product.
bool is_linear_fused(const at::Tensor& x, const at::Tensor& weight, at::ScalarType dtype);

/// What ops/linear.h promises, on kernels. kRelu and kAdd take one weight.
/// @param x  on the CPU, of the compute dtype: kFloat or kBFloat16
std::vector<at::Tensor> fused_linear_group(const at::Tensor& x,
                                           const std::vector<WeightRef>& weights,
                                           LinearOutput output,
                                           const at::Tensor& residual);

/// What ops/feed_forward.h promises, on kernels.
/// @param x  on the CPU, of the compute dtype: kFloat or kBFloat16
at::Tensor fused_feed_forward(const at::Tensor& residual,
                              const at::Tensor& x,
                              const WeightRef& up,
                              const WeightRef& down);

}  // namespace brt
