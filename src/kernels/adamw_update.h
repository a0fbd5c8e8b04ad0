// SPDX-License-Identifier: Apache-2.0
// One update of AdamW over a range of a tensor's elements, in one pass over memory.
#pragma once

#include <cstdint>

namespace brt::kernels {

/// The arrays of one tensor, all of the same size; none may overlap another. T is float or double.
template <class T>
struct AdamWArrays {
  const T* gradient;
  T* momentum;
  T* second_moment;
  T* weight;
};

/// The numbers of one update; the arithmetic is done in T.
struct AdamWFactors {
  double gradient_scale;     ///< the gradient is multiplied by it first
  double beta1;              ///< of the momentum
  double beta2;              ///< of the second moment
  double decay;              ///< the weight is multiplied by it: 1 - lr * weight decay
  double denominator_scale;  ///< 1 / sqrt(1 - beta2^t)
  double epsilon;
  double rate;  ///< lr / (1 - beta1^t)
};

/// For the elements [begin, end):
///
///   m = beta1 m + (1-beta1) g;  v = beta2 v + (1-beta2) g^2
///   p = decay p - rate m / (denominator_scale sqrt(v) + epsilon)
template <class T>
void adamw_update(const AdamWArrays<T>& arrays,
                  const AdamWFactors& factors,
                  int64_t begin,
                  int64_t end);

}  // namespace brt::kernels
