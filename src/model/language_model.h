// SPDX-License-Identifier: Apache-2.0
// The whole model: embedding, stack of layers, final norm, and logits through the same table.
#pragma once

#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/pimpl.h>

#include "config/model_config.h"
#include "model/carry.h"
#include "model/forward_options.h"
#include "model/layer.h"
#include "model/linear.h"
#include "model/rms_norm.h"

namespace brt {

/// What a forward pass gives.
struct SegmentOutput {
  at::Tensor hidden_BND;  ///< after the final norm (and dropout); float32
  Carry carry;            ///< after the tokens; part of the graph until detached
};

/// Block-Recurrent Transformer language model (model.md; the paper's sections 3 and 4).
///
/// Parameters are float32 and named as in model.md, "Checkpoint names". A new model has undefined
/// parameter values until initialize() or load_parameters.
class LanguageModelImpl : public torch::nn::Module {
 public:
  /// @param config resolved and valid, vocab_size set.
  explicit LanguageModelImpl(const ModelConfig& config);

  /// Reads N tokens of every lane, any N >= 0, and returns their final hidden vectors.
  ///
  /// N that is a multiple of W, with a carry between blocks, is computed for all blocks at once
  /// (with block feedback: block by block); else the tokens are read in pieces that end at the
  /// blocks' borders. The numbers agree to rounding. Gradients flow through all blocks of the call
  /// and into `carry` if its tensors need one (training passes a detached carry).
  ///
  /// @param tokens_BN  int64 or int32
  /// @param starts_B   uint8 or bool: these lanes' documents start here (zero cache,
  ///                   initial state), only between blocks. Undefined: none.
  /// @throws ShapeError for tokens outside the vocabulary, shapes that disagree, or starts within a
  /// block.
  SegmentOutput forward(const at::Tensor& tokens_BN,
                        const at::Tensor& starts_B,
                        const Carry& carry,
                        const ForwardOptions& options);

  /// logits = hidden E^T / sqrt(D), float32 [..., V].
  at::Tensor logits(const at::Tensor& hidden, const ForwardOptions& options) const;

  /// Nats of each target, float32 [B, N] (float64 if the model is): -log softmax(logits)[target].
  at::Tensor token_losses(const at::Tensor& hidden_BND,
                          const at::Tensor& targets_BN,
                          const ForwardOptions& options) const;

  /// loss = sum weights * token_losses, a scalar, with the gradient made at once: to train.
  /// Positions of weight 0 take no part, whatever their hidden vectors are.
  /// @param weights_BN  constants: no gradient goes to them
  at::Tensor weighted_loss(const at::Tensor& hidden_BND,
                           const at::Tensor& targets_BN,
                           const at::Tensor& weights_BN,
                           const ForwardOptions& options) const;

  const ModelConfig& config() const { return config_; }

 private:
  ModelConfig config_;
  at::Tensor embedding_;  ///< [V, D]
  torch::nn::ModuleList layers_;
  RmsNorm final_norm_{nullptr};

  Carry begin_documents(const Carry& carry, const at::Tensor& starts_B) const;
  at::Tensor read_pieces(const at::Tensor& hidden_BND, Carry& carry, const ForwardOptions& options);
  at::Tensor read_piece(const at::Tensor& hidden_BMD,
                        Carry& carry,
                        const ForwardOptions& options,
                        int64_t piece);
  LayerImpl& layer(int64_t index) const;
};
TORCH_MODULE(LanguageModel);

/// Draws every parameter from the distributions of model.md; each from its own stream, derived from
/// `seed` and the parameter's name, so that one layer more does not change the others.
void initialize(LanguageModel& model, uint64_t seed);

}  // namespace brt
