// SPDX-License-Identifier: Apache-2.0
// A parameter and its gradient as plain arrays, for kernels that write the weights.
#pragma once

#include <ATen/core/Tensor.h>

#include "optim/optimizer.h"

namespace brt {

/// Contiguous weights and gradient of a parameter during one update. The weights are the
/// parameter's own memory, or a copy where that is not contiguous.
class ContiguousParameter {
 public:
  /// An undefined gradient counts as zero.
  /// @throws ShapeError unless the parameter is float32 or float64.
  explicit ContiguousParameter(const NamedParameter& parameter);

  const at::Tensor& weight() const { return weight_; }
  const at::Tensor& gradient() const { return gradient_; }
  bool is_float64() const { return weight_.scalar_type() == at::kDouble; }

  /// To be called when the weights are written: raises the parameter's version, which tells what
  /// was derived from the old weights (saved for a gradient, packed for a product) that it is out
  /// of date.
  void weight_was_written();

 private:
  at::Tensor parameter_;
  at::Tensor weight_;
  at::Tensor gradient_;
};

}  // namespace brt
