// SPDX-License-Identifier: Apache-2.0
// The attention parameters of a layer.
#include "model/token_attention.h"

#include <cmath>
#include <vector>

#include <ATen/ops/empty.h>

#include "ops/linear.h"
#include "ops/position_bias.h"
#include "ops/rotary.h"
#include "ops/unit_length.h"
#include "ops/window_attention.h"

namespace brt {

at::Tensor split_heads(const at::Tensor& joined, const ModelConfig& config) {
  return joined.unflatten(-1, {config.num_heads, config.head_size});
}

at::Tensor unit_heads(const at::Tensor& joined, const ModelConfig& config) {
  const at::Tensor heads = split_heads(joined, config);
  return config.unit_attention ? unit_length(heads) : heads;
}

at::Tensor query_heads(const at::Tensor& joined, const ModelConfig& config) {
  const at::Tensor heads = unit_heads(joined, config);
  return config.unit_attention ? heads
                               : heads * (1.0 / std::sqrt(static_cast<double>(config.head_size)));
}

TokenAttentionImpl::TokenAttentionImpl(const ModelConfig& config, bool attends_to_states)
    : key(register_module("key", Linear(config.width, heads_width(config)))),
      value(register_module("value", Linear(config.width, heads_width(config)))),
      query(register_module("query", Linear(config.width, heads_width(config)))),
      output(register_module(
          "output", Linear((attends_to_states ? 2 : 1) * heads_width(config), config.width))),
      config_(config) {
  if (config.unit_attention) {
    scale = register_parameter("scale", at::empty({config.num_heads}));
  }
  if (config.position == PositionType::kT5) {
    position_bias =
        register_parameter("position_bias", at::empty({config.num_heads, config.num_buckets}));
  }
  if (attends_to_states) {
    cross_query = register_module("cross_query", Linear(config.width, heads_width(config)));
    if (config.unit_attention) {
      cross_scale = register_parameter("cross_scale", at::empty({config.num_heads}));
    }
  }
}

TokenQkv TokenAttentionImpl::project(const at::Tensor& normed_BND, const ForwardOptions& options) {
  std::vector<WeightRef> weights = {key->ref(options), value->ref(options), query->ref(options)};
  if (cross_query) {
    weights.push_back(cross_query->ref(options));
  }
  const std::vector<at::Tensor> joined = linear_group(normed_BND, weights, options.dtype);
  TokenQkv qkv;
  qkv.keys_BNHK = unit_heads(joined[0], config_);
  qkv.values_BNHK = split_heads(joined[1], config_);
  qkv.query_BNHK = query_heads(joined[2], config_);
  if (cross_query) {
    qkv.cross_query_BNHK = query_heads(joined[3], config_);
  }
  return qkv;
}

at::Tensor TokenAttentionImpl::self_attention(const at::Tensor& query_BNHK,
                                              const at::Tensor& keys_BMHK,
                                              const at::Tensor& values_BMHK,
                                              const at::Tensor& empty_cache_B,
                                              const at::Tensor& dropout_mask_HWJ) {
  const int64_t tokens = query_BNHK.size(1);
  const int64_t first_row = keys_BMHK.size(1) - config_.window - tokens;
  WindowAttentionOptions options;
  options.window = config_.window;
  options.scale_H = scale;
  options.empty_cache_B = empty_cache_B;
  options.dropout_mask_HWJ = dropout_mask_HWJ;
  switch (config_.position) {
    case PositionType::kT5:
      options.bias_HW = brt::position_bias(position_bias, config_.window, config_.max_distance);
      break;
    case PositionType::kRotary:
      return window_attention(rotary(query_BNHK, first_row), rotary(keys_BMHK, -config_.window),
                              values_BMHK, options);
    case PositionType::kNone:
      break;
  }
  return window_attention(query_BNHK, keys_BMHK, values_BMHK, options);
}

}  // namespace brt
