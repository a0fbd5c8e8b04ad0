// SPDX-License-Identifier: Apache-2.0
// The sum of squares of a tensor, accumulated in float64.
#pragma once

#include <ATen/core/Tensor.h>

namespace brt {

/// sum(x^2) of a float32 or float64 tensor, in float64. The order of the additions depends on the
/// number of elements only, so the result does not depend on threads or on where the tensor lies.
/// @throws ShapeError for another dtype.
double sum_of_squares(const at::Tensor& tensor);

}  // namespace brt
