// SPDX-License-Identifier: Apache-2.0
// The recurrent cell: reads the state as keys and values, and makes the next block's state.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include "config/model_config.h"
#include "model/carry.h"
#include "model/feed_forward.h"
#include "model/forward_options.h"
#include "model/gate.h"
#include "model/linear.h"
#include "model/rms_norm.h"

namespace brt {

/// What the state sees of one block.
struct BlockKeys {
  at::Tensor keys_BJHK;  ///< keys of the previous block and this one, J = 2W
  at::Tensor values_BJHK;
  at::Tensor empty_cache_B;  ///< lanes whose first W keys are hidden; undefined: none
};

/// The horizontal direction of the recurrent layer (model.md, "The recurrent layer"; paper section
/// 3).
class RecurrentCellImpl : public torch::nn::Module {
 public:
  RecurrentCellImpl(const ModelConfig& config, int64_t layer);

  /// Ks, Vs, qs, qe of s = rmsnorm(c) + state_ids.
  StateQkv project_state(const at::Tensor& state_BSD, const ForwardOptions& options);

  /// c_next = gate(c, [rs ; re]): the state after a block.
  /// @param state_BSD  c, float32  @param qkv  project_state(c)
  at::Tensor next_state(const at::Tensor& state_BSD,
                        const StateQkv& qkv,
                        const BlockKeys& block,
                        const ForwardOptions& options);

  at::Tensor initial_state;  ///< [S, D]
  at::Tensor state_ids;      ///< [S, D]

 private:
  ModelConfig config_;
  std::string name_;  ///< "layers.{i}.cell", for the gate log
  RmsNorm state_norm_;
  Linear key_, value_, query_, cross_query_;  ///< Wk', Wv', Wq', Wq2'
  at::Tensor scale_;                          ///< [H], b: states over states
  at::Tensor cross_scale_;                    ///< [H], b2: states over tokens
  Linear output_{nullptr};                    ///< Wo': dual, skip
  RmsNorm ffn_norm_{nullptr};                 ///< dual
  FeedForward ffn_{nullptr};                  ///< dual, single
  std::shared_ptr<Gate> gate_;
  std::shared_ptr<Gate> ffn_gate_;  ///< dual

  at::Tensor skip(const at::Tensor& state_BSD,
                  const at::Tensor& attended_BSE,
                  const ForwardOptions& options);
  at::Tensor single(const at::Tensor& state_BSD,
                    const at::Tensor& attended_BSE,
                    const ForwardOptions& options);
  at::Tensor dual(const at::Tensor& state_BSD,
                  const at::Tensor& attended_BSE,
                  const ForwardOptions& options);
};
TORCH_MODULE(RecurrentCell);

}  // namespace brt
