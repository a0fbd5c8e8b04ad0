// SPDX-License-Identifier: Apache-2.0
// Sliding-window attention in plain ATen: all blocks of all lanes in one batch of products.
//
// Letters: B lanes, N tokens, M keys, H heads, K head size, T blocks, R rows of a block, J keys of
// a block's window.
#include "ops/window_attention.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/zeros.h>

#include "base/error.h"
#include "config/model_constants.h"
#include "ops/attention_operands.h"
#include "ops/causal_window_mask.h"
#include "ops/phantom_softmax.h"
#include "ops/position_bias.h"
#include "ops/shape_check.h"
#include "ops/visible_keys.h"
#include "ops/wide_dtype.h"

namespace brt {
namespace {

/// [B, M, H, K] -> windows [B, H, T, J, K]: each block's keys behind those of the block before.
at::Tensor windows(const at::Tensor& keys_BMHK, int64_t window, int64_t num_blocks) {
  const at::Tensor keys_BHMK = keys_BMHK.transpose(1, 2).contiguous();
  if (num_blocks == 1) {
    return keys_BHMK.unsqueeze(2);
  }
  const int64_t tokens = num_blocks * window;
  const at::Tensor previous = keys_BHMK.narrow(2, 0, tokens).unflatten(2, {num_blocks, window});
  const at::Tensor own = keys_BHMK.narrow(2, window, tokens).unflatten(2, {num_blocks, window});
  return at::cat({previous, own}, 3);
}

/// Of key j of a block's window, its index among all keys: [T, 1, J].
at::Tensor key_indices(const at::Tensor& logits_BHTRJ, int64_t window) {
  const at::TensorOptions options =
      at::TensorOptions().dtype(at::kLong).device(logits_BHTRJ.device());
  const at::Tensor first_T = at::arange(logits_BHTRJ.size(2), options) * window;
  return first_T.view({-1, 1, 1}) + at::arange(logits_BHTRJ.size(4), options);
}

/// Position bias times |scale|, with everything outside the causal band at kHiddenLogit: [H, R, J].
at::Tensor masked_bias(const WindowAttentionOptions& options,
                       const BlockRows& rows,
                       const at::Tensor& like) {
  const at::Tensor hidden_RJ = causal_window_mask(rows, like.device());
  if (!options.bias_HW.defined()) {
    return at::zeros({1, rows.rows, rows.keys()}, like.options())
        .masked_fill(hidden_RJ, kHiddenLogit);
  }
  const at::Tensor bias_HRJ = bias_of_pairs(options.bias_HW, rows).to(like.scalar_type());
  const at::Tensor scaled_HRJ =
      options.scale_H.defined() ? bias_HRJ * options.scale_H.abs().view({-1, 1, 1}) : bias_HRJ;
  return scaled_HRJ.masked_fill(hidden_RJ, kHiddenLogit);
}

void check_window(int64_t tokens, int64_t keys, int64_t window) {
  if (window < 1) {
    throw ShapeError(fmt::format("window_attention: window must be at least 1, got {}", window));
  }
  // A window beyond the keys first: the difference of the others may overflow then.
  const int64_t read_before = window > keys ? -1 : keys - window - tokens;
  const bool whole_blocks = read_before == 0 && tokens % window == 0;
  if (read_before < 0 || (!whole_blocks && read_before + tokens > window)) {
    throw ShapeError(fmt::format(
        "window_attention: {} tokens with {} keys are neither whole blocks of {} nor part of one",
        tokens, keys, window));
  }
}

/// The keys begin with the cache: a window's worth of them.
VisibleKeys visible_keys(const at::Tensor& query_BNHK,
                         const at::Tensor& keys_BMHK,
                         const WindowAttentionOptions& options) {
  return {.window = options.window,
          .first_row = keys_BMHK.size(1) - options.window - query_BNHK.size(1),
          .empty_cache_B = options.empty_cache_B,
          .cache_keys = options.window};
}

/// The rows of a block that one call is about, of every block alike.
BlockRows rows_of(const at::Tensor& query_BNHK, const at::Tensor& keys_BMHK, int64_t window) {
  const int64_t tokens = query_BNHK.size(1);
  BlockRows rows;
  rows.window = window;
  rows.rows = std::min(tokens, window);
  rows.first_row = tokens > window ? 0 : keys_BMHK.size(1) - window - tokens;
  return rows;
}

}  // namespace

void check_window_attention(const at::Tensor& query_BNHK,
                            const at::Tensor& keys_BMHK,
                            const at::Tensor& values_BMHK,
                            const WindowAttentionOptions& options) {
  constexpr std::string_view kOp = "window_attention";
  check_shape(kOp, "query_BNHK", query_BNHK, {-1, -1, -1, -1});
  const int64_t tokens = query_BNHK.size(1);
  check_shape(kOp, "keys_BMHK", keys_BMHK,
              {query_BNHK.size(0), -1, query_BNHK.size(2), query_BNHK.size(3)});
  check_shape(kOp, "values_BMHK", values_BMHK,
              {query_BNHK.size(0), keys_BMHK.size(1), query_BNHK.size(2), -1});
  check_window(tokens, keys_BMHK.size(1), options.window);
  if (options.bias_HW.defined()) {
    check_shape(kOp, "bias_HW", options.bias_HW, {query_BNHK.size(2), options.window});
  }
  if (options.scale_H.defined()) {
    check_shape(kOp, "scale_H", options.scale_H, {query_BNHK.size(2)});
  }
  if (options.empty_cache_B.defined()) {
    check_shape(kOp, "empty_cache_B", options.empty_cache_B, {query_BNHK.size(0)});
  }
  check_numbers(kOp, "query_BNHK", query_BNHK, query_BNHK);
  check_numbers(kOp, "keys_BMHK", keys_BMHK, query_BNHK);
  check_numbers(kOp, "values_BMHK", values_BMHK, query_BNHK);
  check_numbers(kOp, "bias_HW", options.bias_HW, query_BNHK);
  check_numbers(kOp, "scale_H", options.scale_H, query_BNHK);
  check_flags(kOp, "empty_cache_B", options.empty_cache_B, query_BNHK);
}

std::optional<FusedAttentionCall> fused_window_attention(const at::Tensor& query_BNHK,
                                                         const at::Tensor& keys_BMHK,
                                                         const at::Tensor& values_BMHK,
                                                         const WindowAttentionOptions& options) {
  check_window_attention(query_BNHK, keys_BMHK, values_BMHK, options);
  const AttentionOperands in = in_one_dtype(query_BNHK, keys_BMHK, values_BMHK);
  if (options.dropout_mask_HWJ.defined() || !is_attention_fused(in.query, in.keys, in.values)) {
    return std::nullopt;
  }
  return FusedAttentionCall{in.query,        in.keys,
                            in.values,       options.bias_HW,
                            options.scale_H, visible_keys(query_BNHK, keys_BMHK, options)};
}

at::Tensor window_attention(const at::Tensor& query_BNHK,
                            const at::Tensor& keys_BMHK,
                            const at::Tensor& values_BMHK,
                            const WindowAttentionOptions& options) {
  if (const std::optional<FusedAttentionCall> call =
          fused_window_attention(query_BNHK, keys_BMHK, values_BMHK, options)) {
    return fused_attention(*call).to(query_BNHK.scalar_type());
  }
  return window_attention_reference(query_BNHK, keys_BMHK, values_BMHK, options);
}

at::Tensor window_attention_reference(const at::Tensor& query_BNHK,
                                      const at::Tensor& keys_BMHK,
                                      const at::Tensor& values_BMHK,
                                      const WindowAttentionOptions& options) {
  check_window_attention(query_BNHK, keys_BMHK, values_BMHK, options);
  const AttentionOperands in = in_one_dtype(query_BNHK, keys_BMHK, values_BMHK);
  const BlockRows rows = rows_of(query_BNHK, keys_BMHK, options.window);
  const int64_t num_blocks =
      std::max<int64_t>(query_BNHK.size(1) / std::max<int64_t>(rows.rows, 1), 1);
  const at::ScalarType dtype = in.query.scalar_type();
  at::Tensor scaled_query_BNHK = in.query;
  if (options.scale_H.defined()) {
    scaled_query_BNHK = (in.query * options.scale_H.abs().unsqueeze(1)).to(dtype);
  }
  const at::Tensor query_BHTRK =
      scaled_query_BNHK.transpose(1, 2).contiguous().unflatten(2, {num_blocks, rows.rows});
  const at::Tensor keys_BHTJK = windows(in.keys, options.window, num_blocks);
  const at::Tensor values_BHTJK = windows(in.values, options.window, num_blocks);

  at::Tensor logits_BHTRJ =
      at::matmul(query_BHTRK, keys_BHTJK.transpose(3, 4)).to(wide_dtype(dtype));
  logits_BHTRJ = logits_BHTRJ.add_(masked_bias(options, rows, logits_BHTRJ).unsqueeze(1));
  logits_BHTRJ = visible_keys(query_BNHK, keys_BMHK, options)
                     .hide_empty_cache(logits_BHTRJ, key_indices(logits_BHTRJ, options.window));
  at::Tensor weight_BHTRJ = phantom_softmax(logits_BHTRJ);
  if (options.dropout_mask_HWJ.defined()) {
    weight_BHTRJ = weight_BHTRJ * options.dropout_mask_HWJ.unsqueeze(1);
  }
  const at::Tensor out_BHTRK = at::matmul(weight_BHTRJ.to(dtype), values_BHTJK);
  return out_BHTRK.flatten(2, 3).transpose(1, 2).contiguous().to(query_BNHK.scalar_type());
}

}  // namespace brt
