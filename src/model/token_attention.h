// SPDX-License-Identifier: Apache-2.0
// The attention parameters of a layer: tokens over tokens, and tokens over states.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include "config/model_config.h"
#include "model/forward_options.h"
#include "model/linear.h"

namespace brt {

/// Queries, keys and values of tokens, by head.
struct TokenQkv {
  at::Tensor query_BNHK;  ///< tokens over tokens
  at::Tensor keys_BNHK;
  at::Tensor values_BNHK;
  at::Tensor cross_query_BNHK;  ///< tokens over states; undefined where tokens attend to none
};

/// Splits [.., H*K] into heads and, with unit attention, makes each of unit length.
at::Tensor unit_heads(const at::Tensor& joined, const ModelConfig& config);
/// The same for a query: without unit attention it is scaled by 1/sqrt(K) instead.
at::Tensor query_heads(const at::Tensor& joined, const ModelConfig& config);
/// Splits [.., H*K] into heads [.., H, K].
at::Tensor split_heads(const at::Tensor& joined, const ModelConfig& config);

/// model.md, "Attention logits", "Position bias", "The ordinary layer", "The recurrent layer".
struct TokenAttentionImpl : public torch::nn::Module {
  TokenAttentionImpl(const ModelConfig& config, bool attends_to_states);

  /// k, v, q (and q2) of normalised tokens [B, N, D], of options.dtype.
  TokenQkv project(const at::Tensor& normed_BND, const ForwardOptions& options);

  /// ys: each token over the W tokens before it.
  /// @param keys_BMHK, values_BMHK  cache first, see ops/window_attention.h
  /// @param empty_cache_B  lanes whose cache is hidden; undefined: none
  at::Tensor self_attention(const at::Tensor& query_BNHK,
                            const at::Tensor& keys_BMHK,
                            const at::Tensor& values_BMHK,
                            const at::Tensor& empty_cache_B,
                            const at::Tensor& dropout_mask_HWJ);

  Linear key, value, query;     ///< Wk, Wv, Wq
  Linear output;                ///< Wo
  Linear cross_query{nullptr};  ///< Wq2
  at::Tensor scale;             ///< [H], a
  at::Tensor cross_scale;       ///< [H], a2
  at::Tensor position_bias;     ///< [H, buckets]

 private:
  ModelConfig config_;
};
TORCH_MODULE(TokenAttention);

}  // namespace brt
