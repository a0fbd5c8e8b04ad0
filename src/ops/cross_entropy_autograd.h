// SPDX-License-Identifier: Apache-2.0
// Cross-entropy with gradients of its own: for ops/cross_entropy.cpp alone.
#pragma once

#include <ATen/core/Tensor.h>

namespace brt {

/// What ops/cross_entropy.h promises of cross_entropy, in plain ATen, for every device and dtype:
/// chunks of rows, whose logits backward computes again.
at::Tensor chunked_cross_entropy(const at::Tensor& hidden_RD,
                                 const at::Tensor& embedding_VD,
                                 const at::Tensor& target_R,
                                 at::ScalarType dtype);

/// What it promises of weighted_cross_entropy, with the gradient made in the forward pass;
/// is_cross_entropy_fused() holds. @param weight_R  float32
at::Tensor fused_weighted_cross_entropy(const at::Tensor& hidden_RD,
                                        const at::Tensor& embedding_VD,
                                        const at::Tensor& target_R,
                                        const at::Tensor& weight_R,
                                        at::ScalarType dtype);

}  // namespace brt
