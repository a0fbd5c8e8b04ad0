// SPDX-License-Identifier: Apache-2.0
// Unit length in loops that the compiler vectorises; limited by memory.
#pragma once

#include "kernels/independent_iterations.h"
#include "kernels/lane_sum-inl.h"
#include "kernels/unit_length.h"

namespace brt::kernels {
namespace {

template <class T>
inline __attribute__((always_inline)) float root_of(const T* x, int64_t width, float epsilon) {
  const float squares = lane_sum(width, [x](int64_t k) { return to_float(x[k]) * to_float(x[k]); });
  return 1.0F / __builtin_sqrtf(squares + epsilon);
}

template <class T>
void unit_length_rows(const UnitLengthArgs<T>& args, int64_t begin, int64_t end) {
  const int64_t width = args.width;
  for (int64_t row = begin; row < end; ++row) {
    const T* x = args.x + row * width;
    T* out = args.out + row * width;
    const float root = root_of(x, width, args.epsilon);
    BRT_INDEPENDENT_ITERATIONS
    for (int64_t k = 0; k < width; ++k) {
      from_float(to_float(x[k]) * root, out[k]);
    }
  }
}

template <class T>
void unit_length_backward_rows(const UnitLengthBackwardArgs<T>& args, int64_t begin, int64_t end) {
  const int64_t width = args.width;
  for (int64_t row = begin; row < end; ++row) {
    const T* out_gradient = args.out_gradient + row * width;
    const T* x = args.x + row * width;
    T* x_gradient = args.x_gradient + row * width;
    const float root = root_of(x, width, args.epsilon);
    const float products = lane_sum(
        width, [out_gradient, x](int64_t k) { return to_float(out_gradient[k]) * to_float(x[k]); });
    const float shift = products * root * root;
    BRT_INDEPENDENT_ITERATIONS
    for (int64_t k = 0; k < width; ++k) {
      from_float(root * (to_float(out_gradient[k]) - to_float(x[k]) * shift), x_gradient[k]);
    }
  }
}

}  // namespace
}  // namespace brt::kernels
