// SPDX-License-Identifier: Apache-2.0
// The three products of a linear map on kernels, divided among the threads.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "kernels/matmul.h"
#include "ops/linear.h"

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

/// sum_i gradient_i weight_i, of the gradients' dtype; zero where relu_RI is, if that is defined.
at::Tensor input_gradient(const std::vector<at::Tensor>& gradients_RO,
                          const std::vector<WeightRef>& weights,
                          const at::Tensor& relu_RI = {});

/// gradient_i^T x for each i, float32 [out_i, in].
std::vector<at::Tensor> weight_gradients(const std::vector<at::Tensor>& gradients_RO,
                                         const at::Tensor& x_RI);

}  // namespace brt
