// SPDX-License-Identifier: Apache-2.0
// Fused attention with its gradient, for tokens over their window and for reading all keys.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

namespace brt {

/// Which keys a query sees: query n (from first_row on) keys [n, n + window), or every key if
/// window is 0; in lane b none before first_visible_B[b].
struct VisibleKeys {
  int64_t window = 0;
  int64_t first_row = 0;
  std::vector<int64_t> first_visible_B;  ///< empty: 0 for every lane
};

/// Whether the kernels can compute this: float32 or bfloat16 on the CPU, of one dtype, and enough
/// rows for packing the keys to pay.
bool is_attention_fused(const at::Tensor& query_BNHK, const at::Tensor& keys_BMHK);

/// softmax((q k + bias) |scale|) v, with a phantom logit of -1000: kernels/attention.h.
///
/// @param bias_HW  float32 by key seen, oldest first; undefined: none  @param scale_H  undefined: 1
/// @return out_BNHK of the queries' dtype. Gradient to all tensors, in a fixed order of sums.
at::Tensor fused_attention(const at::Tensor& query_BNHK,
                           const at::Tensor& keys_BMHK,
                           const at::Tensor& values_BMHK,
                           const at::Tensor& bias_HW,
                           const at::Tensor& scale_H,
                           const VisibleKeys& visible);

}  // namespace brt
