// SPDX-License-Identifier: Apache-2.0
// The feed-forward network by kernels: for ops/feed_forward.cpp alone.
#pragma once

#include <ATen/core/Tensor.h>

#include "ops/packed_weight.h"

namespace brt {

/// Whether the kernels compute this: both products, and a float32 residual.
bool is_feed_forward_fused(const at::Tensor& residual,
                           const at::Tensor& x,
                           const at::Tensor& up,
                           const at::Tensor& down,
                           at::ScalarType dtype);

/// What ops/feed_forward.h promises; is_feed_forward_fused() holds.
/// @param x  of the compute dtype
at::Tensor fused_feed_forward(const at::Tensor& residual,
                              const at::Tensor& x,
                              const WeightRef& up,
                              const WeightRef& down);

}  // namespace brt
