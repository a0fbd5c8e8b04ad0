// SPDX-License-Identifier: Apache-2.0
// AdamW (Loshchilov and Hutter, 2019): Adam with decoupled weight decay.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "optim/optimizer.h"
#include "optim/optimizer_state.h"

namespace brt {

/// AdamW, update t = 1, 2, ...:
///
///   m = beta1 m + (1-beta1) g;  v = beta2 v + (1-beta2) g^2
///   p = p - lr decay p                                          tensors with two dimensions only
///   p = p - lr (m / (1-beta1^t)) / (sqrt(v / (1-beta2^t)) + epsilon)
///
/// State has the parameter's dtype, float32 or float64. Each tensor is passed over once.
class AdamW : public Optimizer {
 public:
  AdamW(const OptimizerConfig& config, std::vector<NamedParameter> parameters);

  std::map<std::string, at::Tensor> state() const override;
  void load_state(const std::map<std::string, at::Tensor>& state) override;

 private:
  struct Slot {
    NamedParameter parameter;
    at::Tensor momentum;
    at::Tensor second_moment;
  };

  OptimizerConfig config_;
  std::vector<Slot> slots_;

  std::vector<StateTensor> state_tensors() const;
  void update(double learning_rate, double gradient_scale) override;
};

}  // namespace brt
