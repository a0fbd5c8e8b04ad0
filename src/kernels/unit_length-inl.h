// SPDX-License-Identifier: Apache-2.0
// Unit length over a vector type (kernels/lane_vector-inl.h).
#pragma once

#include "kernels/for_vectors-inl.h"
#include "kernels/unit_length.h"

namespace brt::kernels {
namespace {

template <class Vector, class T>
void unit_length_rows(const UnitLengthArgs<T>& args, int64_t begin, int64_t end) {
  using Type = typename Vector::Type;
  using Mask = typename Vector::Mask;
  for (int64_t row = begin; row < end; ++row) {
    const T* x = args.x + row * args.width;
    T* out = args.out + row * args.width;
    Type squares = Vector::broadcast(0.0F);
    for_vectors<Vector>(args.width, [&](int64_t k, Mask mask) {
      const Type part = Vector::load(x + k, mask);
      squares = Vector::multiply_add(part, part, squares);
    });
    const Type root =
        Vector::broadcast(1.0F / __builtin_sqrtf(Vector::total(squares) + args.epsilon));
    for_vectors<Vector>(args.width, [&](int64_t k, Mask mask) {
      Vector::store(out + k, Vector::multiply(Vector::load(x + k, mask), root), mask);
    });
  }
}

template <class Vector, class T>
void unit_length_backward_rows(const UnitLengthBackwardArgs<T>& args, int64_t begin, int64_t end) {
  using Type = typename Vector::Type;
  using Mask = typename Vector::Mask;
  for (int64_t row = begin; row < end; ++row) {
    const T* out_gradient = args.out_gradient + row * args.width;
    const T* x = args.x + row * args.width;
    T* x_gradient = args.x_gradient + row * args.width;
    Type squares = Vector::broadcast(0.0F);
    Type products = squares;
    for_vectors<Vector>(args.width, [&](int64_t k, Mask mask) {
      const Type part = Vector::load(x + k, mask);
      squares = Vector::multiply_add(part, part, squares);
      products = Vector::multiply_add(Vector::load(out_gradient + k, mask), part, products);
    });
    const float root = 1.0F / __builtin_sqrtf(Vector::total(squares) + args.epsilon);
    const Type factor = Vector::broadcast(root);
    const Type shift = Vector::broadcast(Vector::total(products) * root * root);
    for_vectors<Vector>(args.width, [&](int64_t k, Mask mask) {
      const Type along = Vector::multiply(Vector::load(x + k, mask), shift);
      const Type across = Vector::subtract(Vector::load(out_gradient + k, mask), along);
      Vector::store(x_gradient + k, Vector::multiply(factor, across), mask);
    });
  }
}

}  // namespace
}  // namespace brt::kernels
