// SPDX-License-Identifier: Apache-2.0
// One layer of the stack: ordinary, or recurrent with a cell of its own.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include "config/model_config.h"
#include "model/carry.h"
#include "model/feed_forward.h"
#include "model/forward_options.h"
#include "model/recurrent_cell.h"
#include "model/rms_norm.h"
#include "model/token_attention.h"

namespace brt {

struct LayerInput {
  at::Tensor hidden_BND;     ///< tokens: whole blocks, or part of one block
  LayerCarry carry;          ///< what came before them
  StateQkv feedback;         ///< block feedback: the states that an ordinary layer attends to
  at::Tensor empty_cache_B;  ///< bool: lanes whose cache is to be hidden; undefined: none
  int64_t piece = 0;         ///< number of this call within a forward pass; names dropout masks
};

struct LayerOutput {
  at::Tensor hidden_BND;
  LayerCarry carry;
};

/// model.md, "The ordinary layer" and "The recurrent layer" (vertical direction).
class LayerImpl : public torch::nn::Module {
 public:
  LayerImpl(const ModelConfig& config, int64_t index);

  LayerOutput forward(const LayerInput& input, const ForwardOptions& options);

  RecurrentCell cell{nullptr};  ///< of recurrent layers

 private:
  ModelConfig config_;
  int64_t index_;
  RmsNorm attention_norm_;
  TokenAttention attention_;
  RmsNorm ffn_norm_;
  FeedForward ffn_;

  at::Tensor cross_attention(const LayerInput& input,
                             const at::Tensor& cross_query_BNHK,
                             LayerCarry& carry,
                             const ForwardOptions& options);
  at::Tensor add_ffn(const at::Tensor& attended_BND, int64_t piece, const ForwardOptions& options);
  at::Tensor attention_dropout(int64_t rows,
                               int64_t keys,
                               int64_t piece,
                               const ForwardOptions& options) const;
  uint64_t dropout_seed(const char* name, int64_t piece, const ForwardOptions& options) const;
};
TORCH_MODULE(Layer);

}  // namespace brt
