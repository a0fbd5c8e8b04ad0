// SPDX-License-Identifier: Apache-2.0
// A parameter and its gradient as plain arrays.
#include "optim/contiguous_parameter.h"

#include <fmt/format.h>

#include <ATen/ops/zeros_like.h>

#include "base/error.h"

namespace brt {

ContiguousParameter::ContiguousParameter(const NamedParameter& parameter)
    : parameter_(parameter.value), weight_(parameter.value.contiguous()) {
  if (weight_.scalar_type() != at::kFloat && weight_.scalar_type() != at::kDouble) {
    throw ShapeError(fmt::format("optimizer: {} must be float32 or float64, got {}", parameter.name,
                                 c10::toString(weight_.scalar_type())));
  }
  const at::Tensor& gradient = parameter_.grad();
  gradient_ = gradient.defined() ? gradient.contiguous() : at::zeros_like(weight_);
}

void ContiguousParameter::weight_was_written() {
  if (weight_.is_same(parameter_)) {
    parameter_.unsafeGetTensorImpl()->bump_version();
  } else {
    parameter_.copy_(weight_);
  }
}

}  // namespace brt
