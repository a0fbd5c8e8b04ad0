// SPDX-License-Identifier: Apache-2.0
// The whole model: embedding, stack, final norm, logits.
#include "model/language_model.h"

#include <algorithm>
#include <memory>
#include <vector>

#include <fmt/format.h>

#include <ATen/ops/cat.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/where.h>

#include "base/error.h"
#include "base/seeded_random.h"
#include "model/layer_recompute.h"
#include "ops/cross_entropy.h"
#include "ops/dropout.h"
#include "ops/shape_check.h"
#include "ops/shared_weights.h"

namespace brt {

LanguageModelImpl::LanguageModelImpl(const ModelConfig& config)
    : config_(config),
      embedding_(at::empty({config.vocab_size, config.width})),
      final_norm_(RmsNorm(config.width)) {
  std::shared_ptr<torch::nn::Module> embedding = std::make_shared<torch::nn::Module>();
  embedding_ = embedding->register_parameter("weight", embedding_);
  register_module("embedding", embedding);
  for (int64_t i = 0; i < config.num_layers; ++i) {
    layers_->push_back(Layer(config, i));
  }
  register_module("layers", layers_);
  register_module("final_norm", final_norm_);
}

LayerImpl& LanguageModelImpl::layer(int64_t index) const {
  return *layers_->ptr(static_cast<size_t>(index))->as<LayerImpl>();
}

SegmentOutput LanguageModelImpl::forward(const at::Tensor& tokens_BN,
                                         const at::Tensor& starts_B,
                                         const Carry& carry,
                                         const ForwardOptions& options) {
  check_shape("model", "tokens_BN", tokens_BN, {carry.position_B.size(0), -1});
  if (tokens_BN.numel() > 0) {
    const int64_t smallest = tokens_BN.min().item<int64_t>();
    const int64_t largest = tokens_BN.max().item<int64_t>();
    if (smallest < 0 || largest >= config_.vocab_size) {
      throw ShapeError(fmt::format("model: tokens must lie in [0, {}), got {} to {}",
                                   config_.vocab_size, smallest, largest));
    }
  }
  ForwardOptions of_pass = options;
  of_pass.weight_uses = std::make_shared<WeightUses>();
  Carry current = begin_documents(carry, starts_B);
  const at::Tensor embedded_BND = at::embedding(embedding_, tokens_BN.to(at::kLong));
  const at::Tensor hidden_BND = read_pieces(embedded_BND, current, of_pass);
  const at::Tensor normed_BND = dropout(final_norm_->forward(hidden_BND), options.dropout,
                                        derive_seed(options.dropout_seed, "output", {}));
  return {normed_BND, current};
}

/// Zero caches, the learned initial state and position 0 for the lanes that start a document.
Carry LanguageModelImpl::begin_documents(const Carry& carry, const at::Tensor& starts_B) const {
  Carry begun = carry;
  if (!starts_B.defined()) {
    return begun;
  }
  check_shape("model", "starts_B", starts_B, {carry.position_B.size(0)});
  const at::Tensor start_B = starts_B.to(at::kBool);
  if (!start_B.any().item<bool>()) {
    return begun;
  }
  if (carry.tokens_in_block(config_) != 0) {
    throw ShapeError("model: a document can start only between blocks");
  }
  const at::Tensor start_B111 = start_B.view({-1, 1, 1, 1});
  for (int64_t i = 0; i < config_.num_layers; ++i) {
    LayerCarry& layer_carry = begun.layers[static_cast<size_t>(i)];
    layer_carry.keys_BMHK = layer_carry.keys_BMHK.masked_fill(start_B111, 0);
    layer_carry.values_BMHK = layer_carry.values_BMHK.masked_fill(start_B111, 0);
    if (layer_carry.state_BSD.defined()) {
      layer_carry.state_BSD =
          at::where(start_B.view({-1, 1, 1}), layer(i).cell->initial_state, layer_carry.state_BSD);
      layer_carry.qkv = StateQkv();
    }
  }
  begun.position_B = carry.position_B.masked_fill(start_B, 0);
  return begun;
}

/// Cuts the tokens where the model must: with feedback into blocks; else into the rest of the
/// current block, all whole blocks, and what is left.
at::Tensor LanguageModelImpl::read_pieces(const at::Tensor& hidden_BND,
                                          Carry& carry,
                                          const ForwardOptions& options) {
  const int64_t window = config_.window;
  const int64_t tokens = hidden_BND.size(1);
  std::vector<at::Tensor> parts_BMD;
  int64_t piece = 0;
  for (int64_t begin = 0; begin < tokens; ++piece) {
    const int64_t left = tokens - begin;
    const int64_t in_block = carry.tokens_in_block(config_);
    int64_t size = std::min(left, window - in_block);
    if (in_block == 0 && left >= window && !config_.feedback) {
      size = left / window * window;
    }
    parts_BMD.push_back(read_piece(hidden_BND.narrow(1, begin, size), carry, options, piece));
    begin += size;
  }
  if (parts_BMD.size() == 1) {
    return parts_BMD.front();
  }
  return parts_BMD.empty() ? hidden_BND : at::cat(parts_BMD, 1);
}

/// All layers over one piece: whole blocks, or part of a block.
at::Tensor LanguageModelImpl::read_piece(const at::Tensor& hidden_BMD,
                                         Carry& carry,
                                         const ForwardOptions& options,
                                         int64_t piece) {
  at::Tensor empty_cache_B;
  if (config_.mask_empty_cache) {
    // In the document's first block, whatever was read of it already.
    empty_cache_B = carry.position_B.lt(config_.window);
  }
  StateQkv feedback;
  if (config_.feedback) {
    const int64_t topmost = topmost_recurrent_layer(config_);
    LayerCarry& top_carry = carry.layers[static_cast<size_t>(topmost)];
    if (!top_carry.qkv.defined()) {
      top_carry.qkv = layer(topmost).cell->project_state(top_carry.state_BSD, options);
    }
    feedback = top_carry.qkv;
  }
  at::Tensor current_BMD = hidden_BMD;
  for (int64_t i = 0; i < config_.num_layers; ++i) {
    LayerInput input;
    input.hidden_BND = current_BMD;
    input.carry = carry.layers[static_cast<size_t>(i)];
    input.feedback = feedback;
    input.empty_cache_B = empty_cache_B;
    input.piece = piece;
    LayerOutput output = forward_or_recompute(layer(i), input, options);
    current_BMD = output.hidden_BND;
    carry.layers[static_cast<size_t>(i)] = output.carry;
  }
  carry.position_B = carry.position_B + hidden_BMD.size(1);
  return current_BMD;
}

at::Tensor LanguageModelImpl::logits(const at::Tensor& hidden,
                                     const ForwardOptions& options) const {
  return tied_logits(hidden, embedding_, options.dtype);
}

at::Tensor LanguageModelImpl::token_losses(const at::Tensor& hidden_BND,
                                           const at::Tensor& targets_BN,
                                           const ForwardOptions& options) const {
  const at::Tensor target_R = targets_BN.to(at::kLong).flatten();
  return cross_entropy(hidden_BND.flatten(0, 1), embedding_, target_R, options.dtype)
      .view(targets_BN.sizes());
}

at::Tensor LanguageModelImpl::weighted_loss(const at::Tensor& hidden_BND,
                                            const at::Tensor& targets_BN,
                                            const at::Tensor& weights_BN,
                                            const ForwardOptions& options) const {
  const at::Tensor target_R = targets_BN.to(at::kLong).flatten();
  return weighted_cross_entropy(hidden_BND.flatten(0, 1), embedding_, target_R,
                                weights_BN.flatten(), options.dtype);
}

}  // namespace brt
