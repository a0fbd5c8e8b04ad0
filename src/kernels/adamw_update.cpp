// SPDX-License-Identifier: Apache-2.0
// One update of AdamW. Memory is the limit: 16 bytes are read and 12 written for each element in
// float32, where the same update as a row of tensor operations moves more than 100.
#include "kernels/adamw_update.h"

#include <cmath>

#include "base/check.h"
#include "kernels/argument_checks.h"

namespace brt::kernels {
namespace {

template <class T>
void check(const AdamWArrays<T>& arrays, int64_t begin, int64_t end) {
  BRT_ASSERT(is_range(begin, end));
  const T* const all[] = {arrays.gradient, arrays.momentum, arrays.second_moment, arrays.weight};
  for (int i = 0; i < 4; ++i) {
    BRT_ASSERT(is_array(all[i], end));
    for (int j = 0; j < i; ++j) {
      BRT_ASSERT(are_apart(all[i], end, all[j], end));
    }
  }
}

}  // namespace

template <class T>
void adamw_update(const AdamWArrays<T>& arrays,
                  const AdamWFactors& factors,
                  int64_t begin,
                  int64_t end) {
  check(arrays, begin, end);
  const T* __restrict gradient = arrays.gradient;
  T* __restrict momentum = arrays.momentum;
  T* __restrict second_moment = arrays.second_moment;
  T* __restrict weight = arrays.weight;
  const T scale = static_cast<T>(factors.gradient_scale);
  const T beta1 = static_cast<T>(factors.beta1);
  const T beta2 = static_cast<T>(factors.beta2);
  const T gain1 = static_cast<T>(1.0 - factors.beta1);
  const T gain2 = static_cast<T>(1.0 - factors.beta2);
  const T decay = static_cast<T>(factors.decay);
  const T denominator_scale = static_cast<T>(factors.denominator_scale);
  const T epsilon = static_cast<T>(factors.epsilon);
  const T rate = static_cast<T>(factors.rate);
  for (int64_t i = begin; i < end; ++i) {
    const T g = gradient[i] * scale;
    const T m = beta1 * momentum[i] + gain1 * g;
    const T v = beta2 * second_moment[i] + gain2 * (g * g);
    momentum[i] = m;
    second_moment[i] = v;
    weight[i] = decay * weight[i] - rate * m / (denominator_scale * std::sqrt(v) + epsilon);
  }
}

template void adamw_update(const AdamWArrays<float>&, const AdamWFactors&, int64_t, int64_t);
template void adamw_update(const AdamWArrays<double>&, const AdamWFactors&, int64_t, int64_t);

}  // namespace brt::kernels
