// SPDX-License-Identifier: Apache-2.0
// The interface of the update rules.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "config/run_config.h"

namespace brt {

/// A parameter by its checkpoint name; `value` shares storage with the model.
struct NamedParameter {
  std::string name;
  at::Tensor value;
};

/// An update rule with its state. Updates are deterministic.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  /// One update from the parameters' .grad() (an undefined gradient counts as zero), each
  /// multiplied by `gradient_scale`; the gradients themselves stay as they are. The result does not
  /// depend on the number of threads.
  void step(double learning_rate, double gradient_scale = 1.0);
  /// Updates made so far.
  int64_t updates() const { return updates_; }
  /// State by name, e.g. "layers.0.ffn.up.weight.momentum", and "updates" (int64 scalar).
  virtual std::map<std::string, at::Tensor> state() const = 0;
  /// @throws CheckpointError naming what is missing or misshapen.
  virtual void load_state(const std::map<std::string, at::Tensor>& state) = 0;

 protected:
  int64_t updates_ = 0;

  /// The update with the number updates_, from 1. No gradient is recorded.
  virtual void update(double learning_rate, double gradient_scale) = 0;
};

/// The update rule that the config names.
std::unique_ptr<Optimizer> make_optimizer(const OptimizerConfig& config,
                                          std::vector<NamedParameter> parameters);

}  // namespace brt
