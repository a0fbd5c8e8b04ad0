// SPDX-License-Identifier: Apache-2.0
// RMS normalisation over a vector type (kernels/lane_vector-inl.h): one pass over a row for its
// sum, while the row comes into L1, and one for the result. Both are limited by memory.
#pragma once

#include "kernels/for_vectors-inl.h"
#include "kernels/rms_norm.h"

namespace brt::kernels {
namespace {

template <class Vector, class T>
void rms_norm_rows(const RmsNormArgs<T>& args, int64_t begin, int64_t end) {
  using Type = typename Vector::Type;
  using Mask = typename Vector::Mask;
  const float width = static_cast<float>(args.width);
  for (int64_t row = begin; row < end; ++row) {
    const float* x = args.x + row * args.width;
    T* out = args.out + row * args.width;
    Type squares = Vector::broadcast(0.0F);
    for_vectors<Vector>(args.width, [&](int64_t d, Mask mask) {
      const Type part = Vector::load(x + d, mask);
      squares = Vector::multiply_add(part, part, squares);
    });
    const float root = 1.0F / __builtin_sqrtf(Vector::total(squares) / width + args.epsilon);
    const Type factor = Vector::broadcast(root);
    for_vectors<Vector>(args.width, [&](int64_t d, Mask mask) {
      const Type normed = Vector::multiply(Vector::load(x + d, mask), factor);
      Vector::store(out + d, Vector::multiply(normed, Vector::load(args.gain + d, mask)), mask);
    });
    args.root[row] = root;
  }
}

template <class Vector, class T>
void rms_norm_backward_rows(const RmsNormBackwardArgs<T>& args, int64_t begin, int64_t end) {
  using Type = typename Vector::Type;
  using Mask = typename Vector::Mask;
  const float width = static_cast<float>(args.width);
  for (int64_t row = begin; row < end; ++row) {
    const T* out_gradient = args.out_gradient + row * args.width;
    const float* x = args.x + row * args.width;
    float* x_gradient = args.x_gradient + row * args.width;
    float* gain_gradient = args.gain_gradient;
    Type products = Vector::broadcast(0.0F);
    for_vectors<Vector>(args.width, [&](int64_t d, Mask mask) {
      const Type scaled =
          Vector::multiply(Vector::load(out_gradient + d, mask), Vector::load(args.gain + d, mask));
      products = Vector::multiply_add(scaled, Vector::load(x + d, mask), products);
    });
    const float root = args.root[row];
    const Type factor = Vector::broadcast(root);
    const Type shift = Vector::broadcast(Vector::total(products) / width * root * root);
    for_vectors<Vector>(args.width, [&](int64_t d, Mask mask) {
      const Type gradient = Vector::load(out_gradient + d, mask);
      const Type part = Vector::load(x + d, mask);
      const Type scaled = Vector::multiply(gradient, Vector::load(args.gain + d, mask));
      const Type across = Vector::subtract(scaled, Vector::multiply(part, shift));
      Vector::store(x_gradient + d, Vector::multiply(factor, across), mask);
      const Type normed = Vector::multiply(part, factor);
      const Type sum =
          Vector::multiply_add(gradient, normed, Vector::load(gain_gradient + d, mask));
      Vector::store(gain_gradient + d, sum, mask);
    });
  }
}

}  // namespace
}  // namespace brt::kernels
