// SPDX-License-Identifier: Apache-2.0
// The sum of squares of a tensor, accumulated in float64.
#include "optim/sum_of_squares.h"

#include <array>
#include <string>

#include "base/error.h"

namespace brt {
namespace {

template <class T>
double sum_of_squares(const T* values, int64_t size) {
  // Independent partial sums: the compiler may keep them in vector registers without reordering.
  constexpr int64_t kPartialSums = 16;
  std::array<double, kPartialSums> sums{};
  int64_t i = 0;
  for (; i + kPartialSums <= size; i += kPartialSums) {
    for (int64_t j = 0; j < kPartialSums; ++j) {
      const double value = static_cast<double>(values[i + j]);
      sums[static_cast<size_t>(j)] += value * value;
    }
  }
  double total = 0.0;
  for (; i < size; ++i) {
    total += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  }
  for (const double sum : sums) {
    total += sum;
  }
  return total;
}

}  // namespace

double sum_of_squares(const at::Tensor& tensor) {
  const at::Tensor values = tensor.contiguous();
  switch (values.scalar_type()) {
    case at::kFloat:
      return sum_of_squares(values.const_data_ptr<float>(), values.numel());
    case at::kDouble:
      return sum_of_squares(values.const_data_ptr<double>(), values.numel());
    default:
      throw ShapeError(std::string("sum_of_squares: tensor must be float32 or float64, got ") +
                       c10::toString(values.scalar_type()));
  }
}

}  // namespace brt
