// SPDX-License-Identifier: Apache-2.0
// The dtype of what is not rounded to the compute precision.
#pragma once

#include <ATen/core/Tensor.h>

namespace brt {

/// Of sums, logits, norms, residuals and states beside numbers of `dtype`: float32, but float64 if
/// that is `dtype`.
inline at::ScalarType wide_dtype(at::ScalarType dtype) {
  return dtype == at::kDouble ? at::kDouble : at::kFloat;
}

}  // namespace brt
