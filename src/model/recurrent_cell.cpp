// SPDX-License-Identifier: Apache-2.0
// The recurrent cell, in the order in which model.md computes it.
#include "model/recurrent_cell.h"

#include <vector>

#include <fmt/format.h>

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tanh.h>

#include "base/error.h"
#include "model/token_attention.h"
#include "ops/cross_attention.h"
#include "ops/linear.h"

namespace brt {

RecurrentCellImpl::RecurrentCellImpl(const ModelConfig& config, int64_t layer)
    : initial_state(
          register_parameter("initial_state", at::empty({config.num_states, config.width}))),
      state_ids(register_parameter("state_ids", at::empty({config.num_states, config.width}))),
      config_(config),
      name_(fmt::format("layers.{}.cell", layer)),
      state_norm_(register_module("state_norm", RmsNorm(config.width))),
      key_(register_module("key", Linear(config.width, heads_width(config)))),
      value_(register_module("value", Linear(config.width, heads_width(config)))),
      query_(register_module("query", Linear(config.width, heads_width(config)))),
      cross_query_(register_module("cross_query", Linear(config.width, heads_width(config)))) {
  if (config.unit_attention) {
    scale_ = register_parameter("scale", at::empty({config.num_heads}));
    cross_scale_ = register_parameter("cross_scale", at::empty({config.num_heads}));
  }
  const bool single = config.cell == CellType::kSingle;
  if (!single) {
    output_ = register_module("output", Linear(joined_width(config), config.width));
  }
  if (config.cell == CellType::kDual) {
    ffn_norm_ = register_module("ffn_norm", RmsNorm(config.width));
  }
  if (config.cell != CellType::kSkip) {
    const int64_t in_features = single ? joined_width(config) : config.width;
    ffn_ = register_module("ffn", FeedForward(in_features, config.ffn_width, config.width));
  }
  gate_ =
      register_module("gate", make_gate(config, single ? config.ffn_width : joined_width(config)));
  if (config.cell == CellType::kDual) {
    ffn_gate_ = register_module("ffn_gate", make_gate(config, config.ffn_width));
  }
}

StateQkv RecurrentCellImpl::project_state(const at::Tensor& state_BSD,
                                          const ForwardOptions& options) {
  const at::Tensor with_ids_BSD = state_norm_->forward(state_BSD) + state_ids;
  const std::vector<at::Tensor> joined = linear_group(
      with_ids_BSD,
      {key_->ref(options), value_->ref(options), query_->ref(options), cross_query_->ref(options)},
      options.dtype);
  StateQkv qkv;
  qkv.keys_BSHK = unit_heads(joined[0], config_);
  qkv.values_BSHK = split_heads(joined[1], config_);
  qkv.query_BSHK = query_heads(joined[2], config_);
  qkv.cross_query_BSHK = query_heads(joined[3], config_);
  return qkv;
}

at::Tensor RecurrentCellImpl::next_state(const at::Tensor& state_BSD,
                                         const StateQkv& qkv,
                                         const BlockKeys& block,
                                         const ForwardOptions& options) {
  const at::Tensor self_BSHK =
      cross_attention(qkv.query_BSHK, qkv.keys_BSHK, qkv.values_BSHK, scale_);
  const at::Tensor cross_BSHK =
      cross_attention(qkv.cross_query_BSHK, block.keys_BJHK, block.values_BJHK, cross_scale_,
                      {.empty_cache_B = block.empty_cache_B, .cache_keys = config_.window});
  const at::Tensor attended_BSE = at::cat({self_BSHK.flatten(2), cross_BSHK.flatten(2)}, 2);
  switch (config_.cell) {
    case CellType::kSkip:
      return skip(state_BSD, attended_BSE, options);
    case CellType::kSingle:
      return single(state_BSD, attended_BSE, options);
    case CellType::kDual:
      return dual(state_BSD, attended_BSE, options);
  }
  throw ConfigError("recurrent cell: unknown configuration");
}

at::Tensor RecurrentCellImpl::skip(const at::Tensor& state_BSD,
                                   const at::Tensor& attended_BSE,
                                   const ForwardOptions& options) {
  const at::Tensor candidate_BSD = output_->forward(attended_BSE, options);
  return gate_->forward({state_BSD, candidate_BSD, attended_BSE}, options, name_ + ".gate");
}

at::Tensor RecurrentCellImpl::single(const at::Tensor& state_BSD,
                                     const at::Tensor& attended_BSE,
                                     const ForwardOptions& options) {
  const at::Tensor hidden_BSF = ffn_->hidden(attended_BSE, options);
  const at::Tensor candidate_BSD =
      at::tanh(ffn_->output(hidden_BSF, options).to(state_BSD.scalar_type()));
  return gate_->forward({state_BSD, candidate_BSD, hidden_BSF}, options, name_ + ".gate");
}

at::Tensor RecurrentCellImpl::dual(const at::Tensor& state_BSD,
                                   const at::Tensor& attended_BSE,
                                   const ForwardOptions& options) {
  const at::Tensor between_BSD = skip(state_BSD, attended_BSE, options);
  const at::Tensor hidden_BSF =
      ffn_->hidden(ffn_norm_->forward(between_BSD, options.dtype), options);
  const at::Tensor candidate_BSD = ffn_->output(hidden_BSF, options);
  return ffn_gate_->forward({between_BSD, candidate_BSD, hidden_BSF}, options, name_ + ".ffn_gate");
}

}  // namespace brt
