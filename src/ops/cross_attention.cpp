// SPDX-License-Identifier: Apache-2.0
// Attention without positions in plain ATen.
#include "ops/cross_attention.h"

#include <string_view>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/matmul.h>

#include "base/check.h"
#include "ops/attention_operands.h"
#include "ops/phantom_softmax.h"
#include "ops/shape_check.h"
#include "ops/wide_dtype.h"

namespace brt {

void check_cross_attention(const at::Tensor& query_BRHK,
                           const at::Tensor& keys_BJHK,
                           const at::Tensor& values_BJHK,
                           const at::Tensor& scale_H,
                           const VisibleKeys& visible) {
  constexpr std::string_view kOp = "cross_attention";
  BRT_ASSERT(visible.window == 0);
  check_shape(kOp, "query_BRHK", query_BRHK, {-1, -1, -1, -1});
  check_shape(kOp, "keys_BJHK", keys_BJHK,
              {query_BRHK.size(0), -1, query_BRHK.size(2), query_BRHK.size(3)});
  check_shape(kOp, "values_BJHK", values_BJHK,
              {query_BRHK.size(0), keys_BJHK.size(1), query_BRHK.size(2), -1});
  if (scale_H.defined()) {
    check_shape(kOp, "scale_H", scale_H, {query_BRHK.size(2)});
  }
  if (visible.empty_cache_B.defined()) {
    check_shape(kOp, "empty_cache_B", visible.empty_cache_B, {query_BRHK.size(0)});
  }
  check_numbers(kOp, "query_BRHK", query_BRHK, query_BRHK);
  check_numbers(kOp, "keys_BJHK", keys_BJHK, query_BRHK);
  check_numbers(kOp, "values_BJHK", values_BJHK, query_BRHK);
  check_numbers(kOp, "scale_H", scale_H, query_BRHK);
  check_flags(kOp, "empty_cache_B", visible.empty_cache_B, query_BRHK);
}

std::optional<FusedAttentionCall> fused_cross_attention(const at::Tensor& query_BRHK,
                                                        const at::Tensor& keys_BJHK,
                                                        const at::Tensor& values_BJHK,
                                                        const at::Tensor& scale_H,
                                                        const VisibleKeys& visible) {
  check_cross_attention(query_BRHK, keys_BJHK, values_BJHK, scale_H, visible);
  const AttentionOperands in = in_one_dtype(query_BRHK, keys_BJHK, values_BJHK);
  if (!is_attention_fused(in.query, in.keys, in.values)) {
    return std::nullopt;
  }
  return FusedAttentionCall{in.query, in.keys, in.values, at::Tensor(), scale_H, visible};
}

at::Tensor cross_attention(const at::Tensor& query_BRHK,
                           const at::Tensor& keys_BJHK,
                           const at::Tensor& values_BJHK,
                           const at::Tensor& scale_H,
                           const VisibleKeys& visible) {
  if (const std::optional<FusedAttentionCall> call =
          fused_cross_attention(query_BRHK, keys_BJHK, values_BJHK, scale_H, visible)) {
    return fused_attention(*call).to(query_BRHK.scalar_type());
  }
  return cross_attention_reference(query_BRHK, keys_BJHK, values_BJHK, scale_H, visible);
}

at::Tensor cross_attention_reference(const at::Tensor& query_BRHK,
                                     const at::Tensor& keys_BJHK,
                                     const at::Tensor& values_BJHK,
                                     const at::Tensor& scale_H,
                                     const VisibleKeys& visible) {
  check_cross_attention(query_BRHK, keys_BJHK, values_BJHK, scale_H, visible);
  const AttentionOperands in = in_one_dtype(query_BRHK, keys_BJHK, values_BJHK);
  const at::ScalarType dtype = in.query.scalar_type();
  at::Tensor scaled_query_BRHK = in.query;
  if (scale_H.defined()) {
    scaled_query_BRHK = (in.query * scale_H.abs().unsqueeze(1)).to(dtype);
  }
  const at::Tensor logits_BHRJ =
      at::matmul(scaled_query_BRHK.transpose(1, 2), in.keys.permute({0, 2, 3, 1}))
          .to(wide_dtype(dtype));
  const at::Tensor index_J = at::arange(keys_BJHK.size(1), keys_BJHK.options().dtype(at::kLong));
  const at::Tensor weight_BHRJ =
      phantom_softmax(visible.hide_empty_cache(logits_BHRJ, index_J)).to(dtype);
  return at::matmul(weight_BHRJ, in.values.transpose(1, 2))
      .transpose(1, 2)
      .contiguous()
      .to(query_BRHK.scalar_type());
}

}  // namespace brt
