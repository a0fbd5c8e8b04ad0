// SPDX-License-Identifier: Apache-2.0
// The gradients of a group of weights, gathered over their uses.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include "ops/weight_gradient_products.h"

namespace brt {

/// Sums of what uses of a group of weights add to their gradients. A recurrent model uses a weight
/// once a block: terms wait until there are many rows, since a product of few rows takes less time
/// than reading and writing a sum as large as the weight. What is added, and in which order,
/// decides the result; the number of threads does not.
class WeightGradientSum : public torch::CustomClassHolder {
 public:
  /// kTransposed: terms hold x for gradient and gradient for x, and results are transposed at last.
  enum class Form { kStraight, kTransposed };

  explicit WeightGradientSum(size_t num_weights, Form form = Form::kStraight)
      : form_(form), sums_(num_weights) {}

  /// Adds one use. All terms have one dtype.
  void add(WeightGradientTerm term);

  /// The gradients [out_i, in]; undefined where no use had one. The sum is empty then.
  std::vector<at::Tensor> take();

  Form form() const { return form_; }

 private:
  Form form_;
  std::vector<WeightGradientTerm> waiting_;
  int64_t waiting_rows_ = 0;
  std::vector<at::Tensor> sums_;

  void add_waiting();
};

}  // namespace brt
