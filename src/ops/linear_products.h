// SPDX-License-Identifier: Apache-2.0
// The products of a projection's outputs and of its input's gradient on kernels, divided among the
// threads.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "kernels/matmul.h"
#include "ops/packed_weight.h"

namespace brt {

/// out (+)= x weight^T. @param x_RI, out_RO  contiguous; out of x's dtype, or float32 for the
/// float outputs of kernels::MatmulOutput.
void output_product(const at::Tensor& x_RI,
                    const at::Tensor& weight_OI,
                    PackedWeight& packed,
                    kernels::MatmulOutput output,
                    const at::Tensor& out_RO);

/// out = residual + x weight^T. @param residual_RO, out_RO  float32, contiguous
void output_sum(const at::Tensor& residual_RO,
                const at::Tensor& x_RI,
                const at::Tensor& weight_OI,
                PackedWeight& packed,
                const at::Tensor& out_RO);

/// hidden = relu(x up^T), out = residual + hidden down^T: a part of the rows through both products
/// while its hidden numbers are in the cache. @param x_RI, hidden_RF  of one dtype, contiguous
/// @param residual_RO, out_RO  float32, contiguous
struct FeedForwardTensors {
  at::Tensor residual_RO, x_RI, hidden_RF, out_RO;
};
void feed_forward_products(const FeedForwardTensors& tensors,
                           const WeightRef& up,
                           const WeightRef& down);

/// The gradients of x and, before the relu, of hidden_RF.
struct FeedForwardGradients {
  at::Tensor x_RI, hidden_RF;
};
FeedForwardGradients feed_forward_gradients(const at::Tensor& gradient_RO,
                                            const at::Tensor& hidden_RF,
                                            const WeightRef& up,
                                            const WeightRef& down);

/// sum_i gradient_i weight_i, of the gradients' dtype.
at::Tensor input_gradient(const std::vector<at::Tensor>& gradients_RO,
                          const std::vector<WeightRef>& weights);

}  // namespace brt
