// SPDX-License-Identifier: Apache-2.0
// Attention as dispatched operators: the computation, its gradient and the shapes of both, each a
// call of its own, so that PyTorch can trace, compile and batch them.
//
// One pair of operators serves window attention and, with window 0, attention without positions.
#pragma once

#include <cstdint>
#include <optional>
#include <tuple>

#include <ATen/core/Tensor.h>

namespace brt::torch_ops {

/// The tensors and settings of brt::_attention. Optional tensors may be undefined.
struct AttentionInputs {
  at::Tensor query_BNHK;
  at::Tensor keys_BMHK;
  at::Tensor values_BMHK;
  int64_t window = 0;  ///< 0: every query sees every key; no bias then, and no empty cache
  at::Tensor bias_HW;
  at::Tensor scale_H;
  at::Tensor empty_cache_B;
};

/// The output, and log_sum [B, H, N] in float32, which the gradient needs.
struct AttentionOutputs {
  at::Tensor out_BNHK;
  at::Tensor log_sum_BHN;
};

/// Gradients of five tensors; empty tensors for the bias and scale that the inputs lack.
using AttentionGradients = std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor>;

/// @throws ShapeError for whatever does not fit; no memory is touched then
AttentionOutputs attention(const AttentionInputs& in);
/// @param log_sum_BHN  of attention() with the same inputs
AttentionGradients attention_gradients(const at::Tensor& out_gradient_BNHK,
                                       const AttentionInputs& in,
                                       const at::Tensor& log_sum_BHN);

/// The same without numbers, for tensors of the device meta; sizes may be symbolic.
AttentionOutputs attention_shapes(const AttentionInputs& in);
AttentionGradients attention_gradient_shapes(const at::Tensor& out_gradient_BNHK,
                                             const AttentionInputs& in,
                                             const at::Tensor& log_sum_BHN);

}  // namespace brt::torch_ops
