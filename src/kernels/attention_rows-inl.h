// SPDX-License-Identifier: Apache-2.0
// Softmax of a row and its gradient, in loops that compilers turn into vector instructions.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "kernels/attention_rows.h"
#include "kernels/exp-inl.h"
#include "kernels/independent_iterations.h"
#include "kernels/lane_sum-inl.h"

namespace brt::kernels {
namespace {

/// q . k + bias
template <bool kHasBias>
inline float raw_logit(const AttentionRow& row, int64_t i) {
  if constexpr (kHasBias) {
    return row.product[i] + row.bias[i];
  } else {
    return row.product[i];
  }
}

/// A vector for the operators of g++ and clang, which do not turn a loop of selects into vectors.
using Lanes [[gnu::vector_size(kSumLanes * sizeof(float))]] = float;

/// The largest logit, or the phantom's.
template <bool kHasBias>
float largest_logit(const AttentionRow& row) {
  Lanes lanes = Lanes{} + kPhantom;
  int64_t i = 0;
  for (; i + kSumLanes <= row.count; i += kSumLanes) {
    Lanes logits;
    std::memcpy(&logits, row.product + i, sizeof(logits));
    if constexpr (kHasBias) {
      Lanes bias;
      std::memcpy(&bias, row.bias + i, sizeof(bias));
      logits += bias;
    }
    logits *= row.scale;
    lanes = logits > lanes ? logits : lanes;
  }
  float largest = kPhantom;
  for (; i < row.count; ++i) {
    const float logit = raw_logit<kHasBias>(row, i) * row.scale;
    largest = logit > largest ? logit : largest;
  }
  for (int64_t lane = 0; lane < kSumLanes; ++lane) {
    largest = lanes[lane] > largest ? lanes[lane] : largest;
  }
  return largest;
}

template <bool kHasBias, class T>
float softmax_row(const AttentionRow& row, T* probability) {
  const float largest = largest_logit<kHasBias>(row);
  float* exponentials = row.product;
  BRT_INDEPENDENT_ITERATIONS
  for (int64_t i = 0; i < row.count; ++i) {
    exponentials[i] = exponential(raw_logit<kHasBias>(row, i) * row.scale - largest);
  }
  const float sum = lane_sum(row.count, [&](int64_t i) { return exponentials[i]; }) +
                    exponential(kPhantom - largest);
  const float factor = 1.0F / sum;
  BRT_INDEPENDENT_ITERATIONS
  for (int64_t i = 0; i < row.count; ++i) {
    from_float(exponentials[i] * factor, probability[i]);
  }
  return largest + std::log(sum);
}

/// Sums over a row that its gradient needs, with weights w, which replace the products, and their
/// gradients g. Logits are counted from the largest: the softmax's gradient does not change, and
/// the terms that cancel are small.
struct GradientSums {
  float weighted_gradient = 0.0F;  ///< sum w g
  float scale_gradient = 0.0F;     ///< sum w (g - weighted_gradient) (q . k + bias)
};

template <bool kHasBias>
GradientSums gradient_sums(const AttentionRow& row, const float* weight_gradient, float log_sum) {
  float* weights = row.product;
  const float scale = row.scale;
  const float center = scale != 0.0F ? largest_logit<kHasBias>(row) / scale : 0.0F;
  float gradient_lanes[kSumLanes] = {};
  float logit_lanes[kSumLanes] = {};
  float product_lanes[kSumLanes] = {};
  const auto add = [&](int64_t i, int64_t lane) {
    const float raw = raw_logit<kHasBias>(row, i);
    const float weight = exponential(raw * scale - log_sum);
    weights[i] = weight;
    const float centered = weight * (raw - center);
    gradient_lanes[lane] += weight * weight_gradient[i];
    logit_lanes[lane] += centered;
    product_lanes[lane] += centered * weight_gradient[i];
  };
  int64_t i = 0;
  for (; i + kSumLanes <= row.count; i += kSumLanes) {
    for (int64_t lane = 0; lane < kSumLanes; ++lane) {
      add(i + lane, lane);
    }
  }
  for (int64_t lane = 0; i + lane < row.count; ++lane) {
    add(i + lane, lane);
  }
  GradientSums sums;
  sums.weighted_gradient = join_lanes(gradient_lanes);
  sums.scale_gradient =
      join_lanes(product_lanes) - sums.weighted_gradient * join_lanes(logit_lanes);
  return sums;
}

template <bool kHasBias, class T>
float softmax_gradient_row(const AttentionRow& row, const AttentionRowGradient<T>& gradient) {
  const float scale = row.scale;
  const float log_sum = gradient.log_sum;
  const float* probability_gradient = gradient.probability_gradient;
  // From the same weights as below, not from the rounded output: then the logits' gradients add up
  // to zero, and the gradients of scale and bias, which are what is left of large terms, are exact.
  const GradientSums sums = gradient_sums<kHasBias>(row, probability_gradient, log_sum);
  const float* weights = row.product;
  T* probability = gradient.probability;
  T* logit_gradient = gradient.logit_gradient;
  float* bias_gradient = gradient.bias_gradient;
  BRT_INDEPENDENT_ITERATIONS
  for (int64_t i = 0; i < row.count; ++i) {
    const float weight = weights[i];
    const float change = weight * (probability_gradient[i] - sums.weighted_gradient) * scale;
    from_float(weight, probability[i]);
    from_float(change, logit_gradient[i]);
    if constexpr (kHasBias) {
      bias_gradient[i] += change;
    }
  }
  return sums.scale_gradient;
}

template <class T>
float softmax_of(const AttentionRow& row, T* probability) {
  return row.bias != nullptr ? softmax_row<true>(row, probability)
                             : softmax_row<false>(row, probability);
}

template <class T>
float softmax_gradient_of(const AttentionRow& row, const AttentionRowGradient<T>& gradient) {
  return row.bias != nullptr ? softmax_gradient_row<true>(row, gradient)
                             : softmax_gradient_row<false>(row, gradient);
}

}  // namespace
}  // namespace brt::kernels
