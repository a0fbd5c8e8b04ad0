// SPDX-License-Identifier: Apache-2.0
// The CPU form of ops/cross_entropy.h: logits, softmax and both gradients in one pass over the
// rows.
#pragma once

#include <ATen/core/Tensor.h>

namespace brt {

/// Whether the kernels compute this: float32 on the CPU, products in float32 or bfloat16.
bool is_cross_entropy_fused(const at::Tensor& hidden_RD,
                            const at::Tensor& embedding_VD,
                            at::ScalarType dtype);

/// nats[r] = -log softmax(hidden[r] E^T / sqrt(D))[target[r]], float32 [R]; no gradient.
///
/// Arguments as cross_entropy, checked by the caller: sizes, and that every target is in [0, V).
at::Tensor fused_token_losses(const at::Tensor& hidden_RD,
                              const at::Tensor& embedding_VD,
                              const at::Tensor& target_R,
                              at::ScalarType dtype);

/// A weighted sum of losses and its gradients.
struct WeightedLoss {
  at::Tensor loss;                   ///< scalar, float32; summed in float64
  at::Tensor hidden_gradient_RD;     ///< float32; undefined if not asked for
  at::Tensor embedding_gradient_VD;  ///< likewise
};

/// sum_r weight[r] nats[r] over the rows whose weight is not zero; the others are not read.
///
/// Logits never leave a tile of float32 per thread: [48, V], or [128, V] with AMX. Their gradient
/// is kept for one chunk of rows, 144 MiB of `dtype` at most where a tile's rows fit into that. The
/// numbers do not depend on how many threads there are.
/// @param weight_R  float32; other arguments as above
WeightedLoss fused_weighted_loss(const at::Tensor& hidden_RD,
                                 const at::Tensor& embedding_VD,
                                 const at::Tensor& target_R,
                                 const at::Tensor& weight_R,
                                 at::ScalarType dtype,
                                 bool with_gradient);

}  // namespace brt
