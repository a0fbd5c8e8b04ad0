// SPDX-License-Identifier: Apache-2.0
// Attention without positions in plain ATen.
#include "ops/cross_attention.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/matmul.h>

#include "ops/attention_autograd.h"
#include "ops/phantom_softmax.h"
#include "ops/shape_check.h"

namespace brt {

at::Tensor cross_attention(const at::Tensor& query_BRHK,
                           const at::Tensor& keys_BJHK,
                           const at::Tensor& values_BJHK,
                           const at::Tensor& scale_H,
                           const HiddenKeys& hidden) {
  check_shape("cross_attention", "query_BRHK", query_BRHK, {-1, -1, -1, -1});
  check_shape("cross_attention", "keys_BJHK", keys_BJHK,
              {query_BRHK.size(0), -1, query_BRHK.size(2), query_BRHK.size(3)});
  check_shape("cross_attention", "values_BJHK", values_BJHK,
              {query_BRHK.size(0), keys_BJHK.size(1), query_BRHK.size(2), -1});
  if (scale_H.defined()) {
    check_shape("cross_attention", "scale_H", scale_H, {query_BRHK.size(2)});
  }
  if (!is_attention_fused(query_BRHK, keys_BJHK)) {
    return cross_attention_reference(query_BRHK, keys_BJHK, values_BJHK, scale_H, hidden);
  }
  VisibleKeys visible;
  if (hidden.lanes_B.defined()) {
    const at::Tensor hidden_B = hidden.lanes_B.to(at::kCPU, at::kBool).contiguous();
    for (int64_t lane = 0; lane < hidden_B.size(0); ++lane) {
      visible.first_visible_B.push_back(hidden_B.const_data_ptr<bool>()[lane] ? hidden.first : 0);
    }
  }
  return fused_attention(query_BRHK, keys_BJHK, values_BJHK, at::Tensor(), scale_H, visible);
}

at::Tensor cross_attention_reference(const at::Tensor& query_BRHK,
                                     const at::Tensor& keys_BJHK,
                                     const at::Tensor& values_BJHK,
                                     const at::Tensor& scale_H,
                                     const HiddenKeys& hidden) {
  const at::ScalarType dtype = query_BRHK.scalar_type();
  const at::ScalarType wide = dtype == at::kDouble ? at::kDouble : at::kFloat;
  at::Tensor scaled_query_BRHK = query_BRHK;
  if (scale_H.defined()) {
    scaled_query_BRHK = (query_BRHK * scale_H.abs().unsqueeze(1)).to(dtype);
  }
  at::Tensor logits_BHRJ =
      at::matmul(scaled_query_BRHK.transpose(1, 2), keys_BJHK.permute({0, 2, 3, 1})).to(wide);
  if (hidden.lanes_B.defined()) {
    const at::Tensor hidden_J =
        at::arange(keys_BJHK.size(1), keys_BJHK.options().dtype(at::kLong)).lt(hidden.first);
    const at::Tensor hidden_BHRJ = hidden.lanes_B.to(at::kBool).view({-1, 1, 1, 1}) & hidden_J;
    logits_BHRJ = logits_BHRJ.masked_fill(hidden_BHRJ, kHiddenLogit);
  }
  const at::Tensor weight_BHRJ = phantom_softmax(logits_BHRJ).to(dtype);
  return at::matmul(weight_BHRJ, values_BJHK.transpose(1, 2)).transpose(1, 2).contiguous();
}

}  // namespace brt
