// SPDX-License-Identifier: Apache-2.0
// The sum of squares of an array, in a fixed order that vector registers can follow.
#include "kernels/sum_of_squares.h"

#include "base/check.h"
#include "kernels/argument_checks.h"

namespace brt::kernels {

template <class T>
double sum_of_squares(const T* values, int64_t begin, int64_t end) {
  BRT_ASSERT(is_range(begin, end));
  BRT_ASSERT(is_array(values, end));
  // Independent partial sums: the compiler may keep them in vector registers without reordering.
  constexpr int64_t kPartialSums = 16;
  double sums[kPartialSums] = {};
  int64_t i = begin;
  for (; i + kPartialSums <= end; i += kPartialSums) {
    for (int64_t j = 0; j < kPartialSums; ++j) {
      const double value = static_cast<double>(values[i + j]);
      sums[j] += value * value;
    }
  }
  double total = 0.0;
  for (; i < end; ++i) {
    total += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  }
  for (const double sum : sums) {
    total += sum;
  }
  return total;
}

template double sum_of_squares(const float*, int64_t, int64_t);
template double sum_of_squares(const double*, int64_t, int64_t);

}  // namespace brt::kernels
