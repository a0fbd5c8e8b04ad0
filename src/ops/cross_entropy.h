// SPDX-License-Identifier: Apache-2.0
// Logits and cross-entropy of many tokens without storing all logits.
#pragma once

#include <ATen/core/Tensor.h>

namespace brt {

/// nats[r] = -log softmax(hidden[r] E^T / sqrt(D))[target[r]].
///
/// model.md, "Embedding and logits". Rows are computed in chunks; backward computes the logits of a
/// chunk again, so that memory stays at one chunk of [rows, V]. Without a gradient, float32 on the
/// CPU takes the faster form of ops/fused_cross_entropy.h. To train, see weighted_cross_entropy.
///
/// @param hidden_RD     float32 (float64); products are computed in `dtype`
/// @param embedding_VD  the table E
/// @param target_R      int64, each in [0, V)
/// @return nats_R, float32 (float64). Gradient to hidden and embedding, once.
/// @throws ShapeError if sizes disagree or a target lies outside of the table.
at::Tensor cross_entropy(const at::Tensor& hidden_RD,
                         const at::Tensor& embedding_VD,
                         const at::Tensor& target_R,
                         at::ScalarType dtype);

/// loss = sum_r weight[r] nats[r], nats as above.
///
/// A row of weight 0 takes no part at all: whatever its hidden vector is, even NaN, it adds nothing
/// to the loss and its gradient is zero. Float32 on the CPU takes the form of
/// ops/fused_cross_entropy.h: if a gradient is needed, it is made in the forward pass, so that
/// logits are computed once; backward hands it out, times the scalar that comes in. Others take the
/// reference.
///
/// @param weight_R  constants: no gradient goes to them
/// @return scalar, float32 (float64), summed in float64. Gradient to hidden and embedding, once.
/// @throws ShapeError as cross_entropy; targets of rows of weight 0 are checked too.
at::Tensor weighted_cross_entropy(const at::Tensor& hidden_RD,
                                  const at::Tensor& embedding_VD,
                                  const at::Tensor& target_R,
                                  const at::Tensor& weight_R,
                                  at::ScalarType dtype);

/// The same in plain ATen, for every device and dtype.
at::Tensor weighted_cross_entropy_reference(const at::Tensor& hidden_RD,
                                            const at::Tensor& embedding_VD,
                                            const at::Tensor& target_R,
                                            const at::Tensor& weight_R,
                                            at::ScalarType dtype);

/// logits = hidden E^T / sqrt(D) of the compute precision `dtype`, as float32 (float64): [..., V].
at::Tensor tied_logits(const at::Tensor& hidden,
                       const at::Tensor& embedding_VD,
                       at::ScalarType dtype);

}  // namespace brt
