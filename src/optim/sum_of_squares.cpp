// SPDX-License-Identifier: Apache-2.0
// The sum of squares of a tensor, accumulated in float64.
#include "optim/sum_of_squares.h"

#include <string>

#include "base/error.h"
#include "kernels/sum_of_squares.h"
#include "optim/chunks.h"

namespace brt {
namespace {

template <class T>
double sum_of_contiguous(const at::Tensor& tensor) {
  const T* values = tensor.const_data_ptr<T>();
  return sum_over_chunks(tensor.numel(), kChunkElements, [values](int64_t begin, int64_t end) {
    return kernels::sum_of_squares(values, begin, end);
  });
}

}  // namespace

double sum_of_squares(const at::Tensor& tensor) {
  const at::Tensor values = tensor.contiguous();
  switch (values.scalar_type()) {
    case at::kFloat:
      return sum_of_contiguous<float>(values);
    case at::kDouble:
      return sum_of_contiguous<double>(values);
    default:
      throw ShapeError(std::string("sum_of_squares: tensor must be float32 or float64, got ") +
                       c10::toString(values.scalar_type()));
  }
}

}  // namespace brt
