// SPDX-License-Identifier: Apache-2.0
// Attention on kernels with its gradient: the fused form of window_attention and cross_attention.
#pragma once

#include <ATen/core/Tensor.h>

#include "ops/visible_keys.h"

namespace brt {

/// What the kernels compute: softmax((q k + bias) |scale|) v, with a phantom logit of -1000
/// (kernels/attention.h). Sizes have been checked; is_attention_fused() holds.
struct FusedAttentionCall {
  at::Tensor query_BNHK;
  at::Tensor keys_BMHK;
  at::Tensor values_BMHK;
  at::Tensor bias_HW;  ///< by key seen, oldest first; undefined: none
  at::Tensor scale_H;  ///< undefined: 1
  VisibleKeys visible;
};

struct FusedAttentionResult {
  at::Tensor out_BNHK;     ///< of the queries' dtype
  at::Tensor log_sum_BHN;  ///< float32
  at::Tensor key_columns;  ///< the keys' panels, which the gradients need again
};

struct FusedAttentionGradients {
  at::Tensor query_BNHK, keys_BMHK, values_BMHK;
  at::Tensor bias_HW, scale_H;  ///< undefined where the call has none
};

/// Whether the kernels can compute this: float32 or bfloat16 on the CPU, of one dtype and one head
/// size, and enough rows for packing the keys to pay.
bool is_attention_fused(const at::Tensor& query_BNHK,
                        const at::Tensor& keys_BMHK,
                        const at::Tensor& values_BMHK);

/// The output. Gradient to all tensors, in a fixed order of sums.
at::Tensor fused_attention(const FusedAttentionCall& call);

/// The two passes alone, unknown to autograd.
FusedAttentionResult fused_attention_forward(const FusedAttentionCall& call);
/// @param forward  its output is not read; without key_columns the keys are packed again
FusedAttentionGradients fused_attention_gradients(const FusedAttentionCall& call,
                                                  const FusedAttentionResult& forward,
                                                  const at::Tensor& out_gradient_BNHK);

}  // namespace brt
