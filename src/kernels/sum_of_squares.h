// SPDX-License-Identifier: Apache-2.0
// The sum of squares of an array, accumulated in float64.
#pragma once

#include <cstdint>

namespace brt::kernels {

/// sum(x^2) over [begin, end), of float32 or float64, in float64. The order of the additions
/// depends on end - begin only.
template <class T>
double sum_of_squares(const T* values, int64_t begin, int64_t end);

}  // namespace brt::kernels
