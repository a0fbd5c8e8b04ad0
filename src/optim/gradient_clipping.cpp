// SPDX-License-Identifier: Apache-2.0
// The gradient's global norm, and clipping to it.
#include "optim/gradient_clipping.h"

#include <cmath>

#include "optim/sum_of_squares.h"

namespace brt {

double gradient_norm(const std::vector<NamedParameter>& parameters) {
  double total = 0.0;
  for (const NamedParameter& parameter : parameters) {
    const at::Tensor& gradient = parameter.value.grad();
    if (gradient.defined()) {
      total += sum_of_squares(gradient);
    }
  }
  return std::sqrt(total);
}

double clip_factor(double norm, double max_norm) {
  return max_norm > 0.0 && norm > max_norm ? max_norm / norm : 1.0;
}

}  // namespace brt
