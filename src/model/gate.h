// SPDX-License-Identifier: Apache-2.0
// The gates of the recurrent cell, with their parameters.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include "config/model_config.h"
#include "model/forward_options.h"
#include "ops/packed_weight.h"

namespace brt {

/// What a gate mixes, in the words of model.md, "Gates".
struct GateInput {
  at::Tensor state_BSD;      ///< c, the old state
  at::Tensor candidate_BSD;  ///< z, the output of the last projection
  at::Tensor source_BSE;     ///< h, that projection's input
};

/// A gate: c' from c, z and h.
struct Gate : public torch::nn::Module {
  virtual at::Tensor forward(const GateInput& input,
                             const ForwardOptions& options,
                             const std::string& log_name) = 0;
};

/// g = sigmoid(bias); c' = c*g + z*(1-g).
struct FixedGate : public Gate {
  explicit FixedGate(int64_t width);
  at::Tensor forward(const GateInput& input,
                     const ForwardOptions& options,
                     const std::string& log_name) override;

  at::Tensor bias;  ///< [D]
};

/// i = sigmoid(h Wi + b_i - 1), f = sigmoid(h Wf + b_f + 1); c' = c*f + z*i.
struct LstmGate : public Gate {
  LstmGate(int64_t source_width, int64_t width, bool candidate_tanh);
  at::Tensor forward(const GateInput& input,
                     const ForwardOptions& options,
                     const std::string& log_name) override;

  /// Weight and bias of one of the two sigmoids.
  struct Projection : public torch::nn::Module {
    Projection(int64_t source_width, int64_t width);
    at::Tensor forward(const at::Tensor& source_BSE, const ForwardOptions& options);

    at::Tensor weight;                                                        ///< [D, h's width]
    at::Tensor bias;                                                          ///< [D]
    std::shared_ptr<PackedWeight> packed = std::make_shared<PackedWeight>();  ///< of `weight`
  };
  std::shared_ptr<Projection> input_projection;   ///< "input": Wi, b_i
  std::shared_ptr<Projection> forget_projection;  ///< "forget": Wf, b_f

 private:
  bool candidate_tanh_;
};

/// The gate that the config names, for a source of the given width.
std::shared_ptr<Gate> make_gate(const ModelConfig& config, int64_t source_width);

}  // namespace brt
