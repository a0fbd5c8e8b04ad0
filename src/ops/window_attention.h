// SPDX-License-Identifier: Apache-2.0
// Sliding-window attention of tokens over tokens.
#pragma once

#include <cstdint>
#include <optional>

#include <ATen/core/Tensor.h>

#include "ops/fused_attention.h"

namespace brt {

/// What window_attention needs to know besides queries, keys and values.
struct WindowAttentionOptions {
  int64_t window = 0;           ///< W
  at::Tensor bias_HW;           ///< position bias of the W keys seen, oldest first; undefined: none
  at::Tensor scale_H;           ///< learned scale, used as |scale|; undefined: 1
  at::Tensor empty_cache_B;     ///< bool: hide this lane's first W keys; undefined: none
  at::Tensor dropout_mask_HWJ;  ///< multiplies the probabilities; undefined: none
};

/// Attention of each block's tokens over its window: the previous block and itself.
///
///   logit[i,j] = (q_i . k_j + bias[j - i]) * |scale|     visible when 1 <= (W + i) - j <= W
///   out_i      = sum_j softmax_j(logit[i,:]) v_j       with a phantom logit of -1000
///
/// model.md, "Sliding window with causal mask". Differs from usual: a token does not see itself.
/// The keys of W tokens before the first block come first. N is either a multiple of W (blocks from
/// their first token on) or the next N tokens of one block, of which M - W - N were read before.
///
/// @param query_BNHK   queries
/// @param keys_BMHK    keys, M = W + N (whole blocks) or W + read before + N (part of a block)
/// @param values_BMHK  values, as keys; of any head size
/// @return out_BNHK of the queries' dtype and the values' head size; a row whose keys are all
/// hidden is exactly zero.
/// @throws ShapeError if sizes, dtypes or devices disagree. Gradient to queries, keys, values, bias
/// and scale. Softmax in float32 (float64 for float64 input); bfloat16 products are summed in
/// float32. Operands of several dtypes are computed in the one that holds all of them.
at::Tensor window_attention(const at::Tensor& query_BNHK,
                            const at::Tensor& keys_BMHK,
                            const at::Tensor& values_BMHK,
                            const WindowAttentionOptions& options);

/// window_attention in plain ATen: the definition, and what runs in float64, with dropout, for few
/// tokens, for values of another head size than the keys', and on other devices.
at::Tensor window_attention_reference(const at::Tensor& query_BNHK,
                                      const at::Tensor& keys_BMHK,
                                      const at::Tensor& values_BMHK,
                                      const WindowAttentionOptions& options);

/// What the kernels are called with, where they can compute this.
/// @throws as window_attention
std::optional<FusedAttentionCall> fused_window_attention(const at::Tensor& query_BNHK,
                                                         const at::Tensor& keys_BMHK,
                                                         const at::Tensor& values_BMHK,
                                                         const WindowAttentionOptions& options);

/// The checks alone.
void check_window_attention(const at::Tensor& query_BNHK,
                            const at::Tensor& keys_BMHK,
                            const at::Tensor& values_BMHK,
                            const WindowAttentionOptions& options);

}  // namespace brt
