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

void clip_gradients(const std::vector<NamedParameter>& parameters, double norm, double max_norm) {
  if (!(norm > max_norm)) {
    return;
  }
  const double factor = max_norm / norm;
  for (const NamedParameter& parameter : parameters) {
    at::Tensor gradient = parameter.value.grad();
    if (gradient.defined()) {
      gradient.mul_(factor);
    }
  }
}

}  // namespace brt
