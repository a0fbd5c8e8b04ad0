// SPDX-License-Identifier: Apache-2.0
// The softmax of whole vocabularies over a vector type (kernels/lane_vector-inl.h).
#pragma once

#include <cstdint>
#include <limits>

#include "kernels/exp_coefficients-inl.h"
#include "kernels/for_vectors-inl.h"
#include "kernels/softmax_gradient.h"

namespace brt::kernels {
namespace {

template <class Vector>
float exponential_of_one(float x) {
  return Vector::largest(Vector::exponential(Vector::broadcast(x)));
}

template <class Vector>
void softmax_sums_loop(const SoftmaxSumArgs& args) {
  using Type = typename Vector::Type;
  using Mask = typename Vector::Mask;
  const Type scale = Vector::broadcast(args.scale);
  for (int64_t row = 0; row < args.rows; ++row) {
    const float* logits = args.logits + row * args.logits_stride;
    SoftmaxSum& so_far = args.sums[row];
    Type largest = Vector::broadcast(so_far.maximum);
    for_vectors<Vector>(args.columns, [&](int64_t column, Mask mask) {
      largest = Vector::max(largest, Vector::load(logits + column, mask), mask);
    });
    const float maximum = Vector::largest(largest);
    const Type shift = Vector::broadcast(maximum);
    Type sum = Vector::broadcast(0.0F);
    for_vectors<Vector>(args.columns, [&](int64_t column, Mask mask) {
      const Type below = Vector::subtract(Vector::load(logits + column, mask), shift);
      sum = Vector::add(sum, Vector::exponential(Vector::multiply(below, scale)), mask);
    });
    if (maximum != so_far.maximum) {
      so_far.sum *= exponential_of_one<Vector>((so_far.maximum - maximum) * args.scale);
      so_far.maximum = maximum;
    }
    so_far.sum += Vector::total(sum);
  }
}

template <class Vector, class T>
void softmax_gradient_loop(const SoftmaxGradientArgs<T>& args) {
  using Type = typename Vector::Type;
  using Mask = typename Vector::Mask;
  const Type scale = Vector::broadcast(args.scale);
  for (int64_t row = 0; row < args.rows; ++row) {
    const float* logits = args.logits + row * args.logits_stride;
    T* out = args.out + row * args.out_stride;
    const Type shift = Vector::broadcast(args.sums[row].maximum);
    const Type factor =
        Vector::broadcast(static_cast<float>(args.factors[row] / args.sums[row].sum));
    for_vectors<Vector>(args.columns, [&](int64_t column, Mask mask) {
      const Type below = Vector::subtract(Vector::load(logits + column, mask), shift);
      const Type weight = Vector::exponential(Vector::multiply(below, scale));
      Vector::store(out + column, Vector::multiply(weight, factor), mask);
    });
  }
}

}  // namespace
}  // namespace brt::kernels
