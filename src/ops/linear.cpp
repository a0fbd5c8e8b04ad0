// SPDX-License-Identifier: Apache-2.0
// The product with a weight matrix.
#include "ops/linear.h"

#include <ATen/ops/linear.h>

#include "ops/shape_check.h"

namespace brt {

at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, at::ScalarType dtype) {
  check_shape("linear", "weight", weight, {-1, x.size(-1)});
  return at::linear(x.to(dtype), weight.to(dtype));
}

}  // namespace brt
