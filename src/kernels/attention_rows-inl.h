// SPDX-License-Identifier: Apache-2.0
// Softmax of a row and its gradient over a vector type (kernels/lane_vector-inl.h). Both stay in
// L1, so instructions count: about 20 a vector forward and 28 backward. Denormal numbers, which
// power_of_two avoids, and joining lanes through memory took as long as all else.
#pragma once

#include <cstdint>

#include "base/portable_math.h"
#include "kernels/attention_rows.h"
#include "kernels/exp_coefficients-inl.h"
#include "kernels/for_vectors-inl.h"

namespace brt::kernels {
namespace {

/// q . k + bias
template <class Vector, bool kHasBias>
inline __attribute__((always_inline)) typename Vector::Type raw_logits(const AttentionRow& row,
                                                                       int64_t i,
                                                                       typename Vector::Mask mask) {
  const typename Vector::Type product = Vector::load(row.product + i, mask);
  if constexpr (kHasBias) {
    return Vector::add(product, Vector::load(row.bias + i, mask));
  } else {
    return product;
  }
}

/// In powers of two: the logits' scale takes the factor that the exponential needs.
template <class Vector, bool kHasBias, class T>
float softmax_row(const AttentionRow& row, T* probability) {
  using Type = typename Vector::Type;
  using Mask = typename Vector::Mask;
  const Type scale = Vector::broadcast(row.scale * kInverseLn2);
  Type largest = Vector::broadcast(kPhantom * kInverseLn2);
  for_vectors<Vector>(row.count, [&](int64_t i, Mask mask) {
    const Type logits = Vector::multiply(raw_logits<Vector, kHasBias>(row, i, mask), scale);
    largest = Vector::max(largest, logits, mask);
  });
  const float maximum = Vector::largest(largest);
  const Type shift = Vector::broadcast(-maximum);
  const Type phantom = Vector::broadcast(kPhantom * kInverseLn2 - maximum);
  Type sums = Vector::power_of_two(phantom, Vector::first(1));
  float* exponentials = row.product;
  for_vectors<Vector>(row.count, [&](int64_t i, Mask mask) {
    const Type raw = raw_logits<Vector, kHasBias>(row, i, mask);
    const Type exponential = Vector::power_of_two(Vector::multiply_add(raw, scale, shift), mask);
    Vector::store(exponentials + i, exponential, mask);
    sums = Vector::add(sums, exponential);
  });
  const float sum = Vector::total(sums);
  const Type factor = Vector::broadcast(1.0F / sum);
  for_vectors<Vector>(row.count, [&](int64_t i, Mask mask) {
    Vector::store(probability + i, Vector::multiply(Vector::load(exponentials + i, mask), factor),
                  mask);
  });
  return maximum * kLn2 + static_cast<float>(portable_log(static_cast<double>(sum)));
}

/// Sums over a row that its gradient needs, with weights w, which replace the products, and their
/// gradients g. Of logits only the distance from some centre counts: the softmax's gradient does
/// not change. With one among them, the log of their exponentials' mean, the terms that cancel are
/// small.
struct GradientSums {
  float weighted_gradient = 0.0F;  ///< sum w g
  float scale_gradient = 0.0F;     ///< sum w (g - weighted_gradient) (q . k + bias)
};

template <class Vector, bool kHasBias>
GradientSums gradient_sums(const AttentionRow& row, const float* weight_gradient, float log_sum) {
  using Type = typename Vector::Type;
  using Mask = typename Vector::Mask;
  float* weights = row.product;
  const float mean = log_sum - static_cast<float>(portable_log(static_cast<double>(row.count)));
  const Type center = Vector::broadcast(row.scale != 0.0F ? mean / row.scale : 0.0F);
  const Type scale = Vector::broadcast(row.scale * kInverseLn2);
  const Type shift = Vector::broadcast(-log_sum * kInverseLn2);
  Type gradients = Vector::broadcast(0.0F);
  Type logits = gradients;
  Type products = gradients;
  for_vectors<Vector>(row.count, [&](int64_t i, Mask mask) {
    const Type raw = raw_logits<Vector, kHasBias>(row, i, mask);
    const Type weight = Vector::power_of_two(Vector::multiply_add(raw, scale, shift), mask);
    Vector::store(weights + i, weight, mask);
    const Type centered = Vector::multiply(weight, Vector::subtract(raw, center));
    const Type gradient = Vector::load(weight_gradient + i, mask);
    // The lanes beyond the mask have a weight of zero.
    gradients = Vector::multiply_add(weight, gradient, gradients);
    logits = Vector::add(logits, centered);
    products = Vector::multiply_add(centered, gradient, products);
  });
  GradientSums sums;
  sums.weighted_gradient = Vector::total(gradients);
  sums.scale_gradient = Vector::total(products) - sums.weighted_gradient * Vector::total(logits);
  return sums;
}

template <class Vector, bool kHasBias, class T>
float softmax_gradient_row(const AttentionRow& row, const AttentionRowGradient<T>& gradient) {
  using Type = typename Vector::Type;
  using Mask = typename Vector::Mask;
  // From the same weights as below, not from the rounded output: then the logits' gradients add up
  // to zero, and the gradients of scale and bias, which are what is left of large terms, are exact.
  const GradientSums sums =
      gradient_sums<Vector, kHasBias>(row, gradient.probability_gradient, gradient.log_sum);
  const Type scale = Vector::broadcast(row.scale);
  const Type shift = Vector::broadcast(-sums.weighted_gradient * row.scale);
  for_vectors<Vector>(row.count, [&](int64_t i, Mask mask) {
    const Type weight = Vector::load(row.product + i, mask);
    const Type own = Vector::load(gradient.probability_gradient + i, mask);
    const Type change = Vector::multiply(weight, Vector::multiply_add(own, scale, shift));
    Vector::store(gradient.probability + i, weight, mask);
    Vector::store(gradient.logit_gradient + i, change, mask);
    if constexpr (kHasBias) {
      float* bias_gradient = gradient.bias_gradient + i;
      Vector::store(bias_gradient, Vector::add(Vector::load(bias_gradient, mask), change), mask);
    }
  });
  return sums.scale_gradient;
}

template <class Vector, class T>
float softmax_of(const AttentionRow& row, T* probability) {
  return row.bias != nullptr ? softmax_row<Vector, true>(row, probability)
                             : softmax_row<Vector, false>(row, probability);
}

template <class Vector, class T>
float softmax_gradient_of(const AttentionRow& row, const AttentionRowGradient<T>& gradient) {
  return row.bias != nullptr ? softmax_gradient_row<Vector, true>(row, gradient)
                             : softmax_gradient_row<Vector, false>(row, gradient);
}

template <class Vector, class T>
constexpr AttentionRowFunctions<T> row_functions() {
  return {softmax_of<Vector, T>, softmax_gradient_of<Vector, T>};
}

}  // namespace
}  // namespace brt::kernels
