// SPDX-License-Identifier: Apache-2.0
// RMS normalisation in loops that the compiler vectorises: one pass over a row for its sum, while
// the row comes into L1, and one for the result. Both are limited by memory.
#pragma once

#include "kernels/independent_iterations.h"
#include "kernels/lane_sum-inl.h"
#include "kernels/rms_norm.h"

namespace brt::kernels {
namespace {

template <class T>
void rms_norm_rows(const RmsNormArgs<T>& args, int64_t begin, int64_t end) {
  const int64_t width = args.width;
  const float* gain = args.gain;
  for (int64_t row = begin; row < end; ++row) {
    const float* x = args.x + row * width;
    T* out = args.out + row * width;
    const float squares = lane_sum(width, [x](int64_t d) { return x[d] * x[d]; });
    const float root = 1.0F / __builtin_sqrtf(squares / static_cast<float>(width) + args.epsilon);
    BRT_INDEPENDENT_ITERATIONS
    for (int64_t d = 0; d < width; ++d) {
      from_float(x[d] * root * gain[d], out[d]);
    }
    args.root[row] = root;
  }
}

template <class T>
void rms_norm_backward_rows(const RmsNormBackwardArgs<T>& args, int64_t begin, int64_t end) {
  const int64_t width = args.width;
  const float* gain = args.gain;
  float* gain_gradient = args.gain_gradient;
  for (int64_t row = begin; row < end; ++row) {
    const T* out_gradient = args.out_gradient + row * width;
    const float* x = args.x + row * width;
    float* x_gradient = args.x_gradient + row * width;
    const float root = args.root[row];
    const float products = lane_sum(width, [out_gradient, gain, x](int64_t d) {
      return to_float(out_gradient[d]) * gain[d] * x[d];
    });
    const float shift = products / static_cast<float>(width) * root * root;
    BRT_INDEPENDENT_ITERATIONS
    for (int64_t d = 0; d < width; ++d) {
      const float gradient = to_float(out_gradient[d]);
      x_gradient[d] = root * (gradient * gain[d] - x[d] * shift);
      gain_gradient[d] += gradient * (x[d] * root);
    }
  }
}

}  // namespace
}  // namespace brt::kernels
