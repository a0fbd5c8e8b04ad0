// SPDX-License-Identifier: Apache-2.0
// One layer of the stack.
#include "model/layer.h"

#include <algorithm>
#include <vector>

#include <ATen/ops/cat.h>

#include "base/seeded_random.h"
#include "ops/cross_attention.h"
#include "ops/dropout.h"
#include "ops/feed_forward.h"
#include "ops/linear.h"

namespace brt {

LayerImpl::LayerImpl(const ModelConfig& config, int64_t index)
    : config_(config),
      index_(index),
      attention_norm_(register_module("attention_norm", RmsNorm(config.width))),
      attention_(
          register_module("attention", TokenAttention(config, attends_to_states(config, index)))),
      ffn_norm_(register_module("ffn_norm", RmsNorm(config.width))),
      ffn_(register_module("ffn", FeedForward(config.width, config.ffn_width, config.width))) {
  if (is_recurrent_layer(config, index)) {
    cell = register_module("cell", RecurrentCell(config, index));
  }
}

LayerOutput LayerImpl::forward(const LayerInput& input, const ForwardOptions& options) {
  const int64_t tokens = input.hidden_BND.size(1);
  // Dropout is on the wide numbers; without it the norm rounds them.
  const at::Tensor normed_BND =
      options.dropout == 0.0 ? attention_norm_->forward(input.hidden_BND, options.dtype)
                             : dropout(attention_norm_->forward(input.hidden_BND), options.dropout,
                                       dropout_seed("input", input.piece, options));
  const TokenQkv qkv = attention_->project(normed_BND, options);
  LayerCarry carry = input.carry;
  carry.keys_BMHK = at::cat({input.carry.keys_BMHK, qkv.keys_BNHK}, 1);
  carry.values_BMHK = at::cat({input.carry.values_BMHK, qkv.values_BNHK}, 1);

  const int64_t rows = std::min(tokens, config_.window);
  const int64_t keys = tokens > config_.window ? 2 * config_.window : carry.keys_BMHK.size(1);
  at::Tensor attended_BNE =
      attention_
          ->self_attention(qkv.query_BNHK, carry.keys_BMHK, carry.values_BMHK, input.empty_cache_B,
                           attention_dropout(rows, keys, input.piece, options))
          .flatten(2);
  if (qkv.cross_query_BNHK.defined()) {
    const at::Tensor cross_BNHK = cross_attention(input, qkv.cross_query_BNHK, carry, options);
    attended_BNE = at::cat({attended_BNE, cross_BNHK.flatten(2)}, 2);
  }
  const at::Tensor attended_BND =
      linear_add(input.hidden_BND, attended_BNE, attention_->output->ref(options), options.dtype);

  const at::Tensor next_BND = add_ffn(attended_BND, input.piece, options);

  // Kept are the last whole block and what was read of the current block.
  const int64_t kept = config_.window + carry.keys_BMHK.size(1) % config_.window;
  const int64_t dropped = carry.keys_BMHK.size(1) - kept;
  carry.keys_BMHK = carry.keys_BMHK.narrow(1, dropped, kept);
  carry.values_BMHK = carry.values_BMHK.narrow(1, dropped, kept);
  return {next_BND, carry};
}

/// x + dropout(relu(rmsnorm(x) W1) W2).
at::Tensor LayerImpl::add_ffn(const at::Tensor& attended_BND,
                              int64_t piece,
                              const ForwardOptions& options) {
  const at::Tensor normed_BND = ffn_norm_->forward(attended_BND, options.dtype);
  if (options.dropout == 0.0) {
    return feed_forward_add(attended_BND, normed_BND, ffn_->up->ref(options),
                            ffn_->down->ref(options), options.dtype);
  }
  return attended_BND + dropout(ffn_->output(ffn_->hidden(normed_BND, options), options),
                                options.dropout, dropout_seed("ffn", piece, options));
}

/// yc: the tokens over the states as they were before each block. Moves the state of `carry` on at
/// the end of each block; its keys are all keys of this call, cache first.
at::Tensor LayerImpl::cross_attention(const LayerInput& input,
                                      const at::Tensor& cross_query_BNHK,
                                      LayerCarry& carry,
                                      const ForwardOptions& options) {
  if (!cell) {
    return brt::cross_attention(cross_query_BNHK, input.feedback.keys_BSHK,
                                input.feedback.values_BSHK, attention_->cross_scale);
  }
  const int64_t window = config_.window;
  const int64_t rows = std::min(cross_query_BNHK.size(1), window);
  const bool block_ends = carry.keys_BMHK.size(1) % window == 0;
  // Split once: the gradient of each of many narrowed views would be as large as the whole.
  const std::vector<at::Tensor> queries_BRHK = cross_query_BNHK.split(rows, 1);
  const std::vector<at::Tensor> keys_BWHK = carry.keys_BMHK.split(window, 1);
  const std::vector<at::Tensor> values_BWHK = carry.values_BMHK.split(window, 1);
  std::vector<at::Tensor> parts_BRHK;
  for (size_t index = 0; index < queries_BRHK.size(); ++index) {
    if (!carry.qkv.defined()) {
      carry.qkv = cell->project_state(carry.state_BSD, options);
    }
    parts_BRHK.push_back(brt::cross_attention(queries_BRHK[index], carry.qkv.keys_BSHK,
                                              carry.qkv.values_BSHK, attention_->cross_scale));
    if (block_ends) {
      BlockKeys block;
      block.keys_BJHK = at::cat({keys_BWHK[index], keys_BWHK[index + 1]}, 1);
      block.values_BJHK = at::cat({values_BWHK[index], values_BWHK[index + 1]}, 1);
      block.empty_cache_B = index == 0 ? input.empty_cache_B : at::Tensor();
      carry.state_BSD = cell->next_state(carry.state_BSD, carry.qkv, block, options);
      carry.qkv = StateQkv();
    }
  }
  return parts_BRHK.size() == 1 ? parts_BRHK.front() : at::cat(parts_BRHK, 1);
}

at::Tensor LayerImpl::attention_dropout(int64_t rows,
                                        int64_t keys,
                                        int64_t piece,
                                        const ForwardOptions& options) const {
  if (options.dropout == 0.0) {
    return {};
  }
  const at::TensorOptions like = attention_norm_->weight.options();
  return dropout_mask({config_.num_heads, rows, keys}, options.dropout,
                      dropout_seed("attention", piece, options), like);
}

uint64_t LayerImpl::dropout_seed(const char* name,
                                 int64_t piece,
                                 const ForwardOptions& options) const {
  return derive_seed(options.dropout_seed, name, {index_, piece});
}

}  // namespace brt
