// SPDX-License-Identifier: Apache-2.0
// Logits and cross-entropy of many tokens without storing all logits.
#pragma once

#include <ATen/core/Tensor.h>

namespace brt {

/// nats[r] = -log softmax(hidden[r] E^T / sqrt(D))[target[r]].
///
/// model.md, "Embedding and logits". Rows are computed in chunks; backward computes the logits of a
/// chunk again, so that memory stays at one chunk of [rows, V].
///
/// @param hidden_RD     float32 (float64); products are computed in `dtype`
/// @param embedding_VD  the table E
/// @param target_R      int64, each in [0, V)
/// @return nats_R, float32 (float64). Gradient to hidden and embedding, once.
/// @throws ShapeError if sizes disagree.
at::Tensor cross_entropy(const at::Tensor& hidden_RD,
                         const at::Tensor& embedding_VD,
                         const at::Tensor& target_R,
                         at::ScalarType dtype);

/// logits = hidden E^T / sqrt(D) of the compute precision `dtype`, as float32 (float64): [..., V].
at::Tensor tied_logits(const at::Tensor& hidden,
                       const at::Tensor& embedding_VD,
                       at::ScalarType dtype);

}  // namespace brt
