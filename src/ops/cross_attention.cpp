// SPDX-License-Identifier: Apache-2.0
// Attention without positions in plain ATen.
#include "ops/cross_attention.h"

#include <string_view>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/matmul.h>

#include "config/model_constants.h"
#include "ops/attention_operands.h"
#include "ops/phantom_softmax.h"
#include "ops/shape_check.h"

namespace brt {

void check_cross_attention(const at::Tensor& query_BRHK,
                           const at::Tensor& keys_BJHK,
                           const at::Tensor& values_BJHK,
                           const at::Tensor& scale_H,
                           const HiddenKeys& hidden) {
  constexpr std::string_view kOp = "cross_attention";
  check_shape(kOp, "query_BRHK", query_BRHK, {-1, -1, -1, -1});
  check_shape(kOp, "keys_BJHK", keys_BJHK,
              {query_BRHK.size(0), -1, query_BRHK.size(2), query_BRHK.size(3)});
  check_shape(kOp, "values_BJHK", values_BJHK,
              {query_BRHK.size(0), keys_BJHK.size(1), query_BRHK.size(2), -1});
  if (scale_H.defined()) {
    check_shape(kOp, "scale_H", scale_H, {query_BRHK.size(2)});
  }
  if (hidden.lanes_B.defined()) {
    check_shape(kOp, "hidden.lanes_B", hidden.lanes_B, {query_BRHK.size(0)});
  }
  check_numbers(kOp, "query_BRHK", query_BRHK, query_BRHK);
  check_numbers(kOp, "keys_BJHK", keys_BJHK, query_BRHK);
  check_numbers(kOp, "values_BJHK", values_BJHK, query_BRHK);
  check_numbers(kOp, "scale_H", scale_H, query_BRHK);
  check_flags(kOp, "hidden.lanes_B", hidden.lanes_B, query_BRHK);
}

std::optional<FusedAttentionCall> fused_cross_attention(const at::Tensor& query_BRHK,
                                                        const at::Tensor& keys_BJHK,
                                                        const at::Tensor& values_BJHK,
                                                        const at::Tensor& scale_H,
                                                        const HiddenKeys& hidden) {
  check_cross_attention(query_BRHK, keys_BJHK, values_BJHK, scale_H, hidden);
  const AttentionOperands in = in_one_dtype(query_BRHK, keys_BJHK, values_BJHK);
  if (!is_attention_fused(in.query, in.keys, in.values)) {
    return std::nullopt;
  }
  FusedAttentionCall call = {in.query, in.keys, in.values, at::Tensor(), scale_H, {}};
  if (hidden.lanes_B.defined()) {
    const at::Tensor hidden_B = hidden.lanes_B.to(at::kCPU, at::kBool).contiguous();
    for (int64_t lane = 0; lane < hidden_B.size(0); ++lane) {
      call.visible.first_visible_B.push_back(hidden_B.const_data_ptr<bool>()[lane] ? hidden.first
                                                                                   : 0);
    }
  }
  return call;
}

at::Tensor cross_attention(const at::Tensor& query_BRHK,
                           const at::Tensor& keys_BJHK,
                           const at::Tensor& values_BJHK,
                           const at::Tensor& scale_H,
                           const HiddenKeys& hidden) {
  if (const std::optional<FusedAttentionCall> call =
          fused_cross_attention(query_BRHK, keys_BJHK, values_BJHK, scale_H, hidden)) {
    return fused_attention(*call).to(query_BRHK.scalar_type());
  }
  return cross_attention_reference(query_BRHK, keys_BJHK, values_BJHK, scale_H, hidden);
}

at::Tensor cross_attention_reference(const at::Tensor& query_BRHK,
                                     const at::Tensor& keys_BJHK,
                                     const at::Tensor& values_BJHK,
                                     const at::Tensor& scale_H,
                                     const HiddenKeys& hidden) {
  check_cross_attention(query_BRHK, keys_BJHK, values_BJHK, scale_H, hidden);
  const AttentionOperands in = in_one_dtype(query_BRHK, keys_BJHK, values_BJHK);
  const at::ScalarType dtype = in.query.scalar_type();
  const at::ScalarType wide = dtype == at::kDouble ? at::kDouble : at::kFloat;
  at::Tensor scaled_query_BRHK = in.query;
  if (scale_H.defined()) {
    scaled_query_BRHK = (in.query * scale_H.abs().unsqueeze(1)).to(dtype);
  }
  at::Tensor logits_BHRJ =
      at::matmul(scaled_query_BRHK.transpose(1, 2), in.keys.permute({0, 2, 3, 1})).to(wide);
  if (hidden.lanes_B.defined()) {
    const at::Tensor hidden_J =
        at::arange(keys_BJHK.size(1), keys_BJHK.options().dtype(at::kLong)).lt(hidden.first);
    const at::Tensor hidden_BHRJ = hidden.lanes_B.to(at::kBool).view({-1, 1, 1, 1}) & hidden_J;
    logits_BHRJ = logits_BHRJ.masked_fill(hidden_BHRJ, kHiddenLogit);
  }
  const at::Tensor weight_BHRJ = phantom_softmax(logits_BHRJ).to(dtype);
  return at::matmul(weight_BHRJ, in.values.transpose(1, 2))
      .transpose(1, 2)
      .contiguous()
      .to(query_BRHK.scalar_type());
}

}  // namespace brt
