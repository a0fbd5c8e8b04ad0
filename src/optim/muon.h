// SPDX-License-Identifier: Apache-2.0
// Muon (Jordan et al., 2024): momentum whose update is made orthogonal, for weight matrices.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "optim/adamw.h"
#include "optim/optimizer.h"
#include "optim/optimizer_state.h"

namespace brt {

/// Muon, update t = 1, 2, ... of a weight matrix W [out, in]:
///
///   M = momentum M + g;  U = orthogonalized(g + momentum M)                  (Nesterov)
///   W = W - lr decay W - lr 0.2 sqrt(max(out, in)) U
///
/// The factor 0.2 sqrt(max(out, in)) gives the update the size of one of AdamW (Liu et al., 2025,
/// "Muon is scalable for LLM training", section 2.2), so that one rate serves both: the embedding,
/// which does not project features, and all that is no weight matrix follow AdamW.
class Muon : public Optimizer {
 public:
  Muon(const OptimizerConfig& config, const std::vector<NamedParameter>& parameters);

  /// Whether a parameter follows Muon and not AdamW.
  static bool is_orthogonalized(const NamedParameter& parameter);

  /// Names end in ".momentum", ".second_moment" (AdamW) or ".orthogonal_momentum" (Muon).
  std::map<std::string, at::Tensor> state() const override;
  void load_state(const std::map<std::string, at::Tensor>& state) override;

 private:
  struct Slot {
    NamedParameter parameter;
    at::Tensor momentum;
  };

  OptimizerConfig config_;
  std::vector<Slot> slots_;
  AdamW others_;

  std::vector<StateTensor> state_tensors() const;
  void update(double learning_rate, double gradient_scale) override;
};

/// About the nearest matrix with orthonormal rows (or columns, where they are fewer): U V^T of
/// M = U S V^T, but with singular values in about [0.7, 1.2], by five steps of
///
///   X = M / |M|;   A = X X^T;   X = 3.4445 X + (-4.775 A + 2.0315 A A) X
///
/// (K. Jordan, "Muon: an optimizer for hidden layers in neural networks", 2024.) Products in
/// bfloat16, as there; in float64 if the matrix is. The result does not depend on the number of
/// threads. A matrix of zeros gives zeros. @param matrix [rows, columns] float32 or float64
at::Tensor orthogonalized(const at::Tensor& matrix);

}  // namespace brt
