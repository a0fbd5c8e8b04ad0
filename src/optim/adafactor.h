// SPDX-License-Identifier: Apache-2.0
// Adafactor as the reference trains with it (model.md, "Training as the reference does it").
#pragma once

#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "optim/optimizer.h"
#include "optim/optimizer_state.h"

namespace brt {

/// Adafactor with momentum, for each tensor p by itself, gradient g, update t = 1, 2, ...:
///
///   beta = 1 - t^-0.8;  s = g^2 + 1e-30
///   factored: r = beta r + (1-beta) rowmean(s);  c = beta c + (1-beta) columnmean(s)
///             u = g / sqrt(r c / mean(r))
///   else:     v = beta v + (1-beta) s;  u = g / sqrt(v)
///   u = u / max(1, rms(u));  u = u * lr * max(rms(p), 0.001)
///   m = beta1 m + (1-beta1) u;  p = p - m
///
/// Factored are matrices whose two sides are both at least 128. No bias correction; the rate is
/// part of m. State has the parameter's dtype, float32 or float64; sums are accumulated in float64.
/// A factored matrix is passed over three times, another tensor twice.
class Adafactor : public Optimizer {
 public:
  /// A parameter with its state.
  struct Slot {
    NamedParameter parameter;
    at::Tensor momentum;
    at::Tensor row_moment;     ///< r [rows], factored only
    at::Tensor column_moment;  ///< c [columns], factored only
    at::Tensor second_moment;  ///< v, not factored only
  };

  Adafactor(const OptimizerConfig& config, std::vector<NamedParameter> parameters);

  std::map<std::string, at::Tensor> state() const override;
  void load_state(const std::map<std::string, at::Tensor>& state) override;

  /// Whether the second moment of a tensor is kept as row and column means.
  static bool is_factored(const at::Tensor& parameter);

 private:
  double beta1_;
  std::vector<Slot> slots_;

  std::vector<StateTensor> state_tensors() const;
  void update(double learning_rate, double gradient_scale) override;
};

}  // namespace brt
