// SPDX-License-Identifier: Apache-2.0
// Softmax with a phantom entry, so that a row that sees nothing attends to nothing.
#pragma once

#include <ATen/core/Tensor.h>

namespace brt {

/// p[j] = exp(x[j]) / (sum_j exp(x[j]) + exp(-1000)), over the last axis.
///
/// model.md, "Attention logits". Rows with a logit above -900 give the ordinary softmax to the last
/// bit; rows of kHiddenLogit alone give zeros.
/// @param logits  float32 or float64. Gradient to logits.
at::Tensor phantom_softmax(const at::Tensor& logits);

}  // namespace brt
