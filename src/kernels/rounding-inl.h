// SPDX-License-Identifier: Apache-2.0
// Rounding over a vector type (kernels/lane_vector-inl.h).
#pragma once

#include "kernels/bfloat16.h"
#include "kernels/for_vectors-inl.h"

namespace brt::kernels {
namespace {

template <class Vector, class T>
void round_elements(const float* x, T* out, int64_t count) {
  for_vectors<Vector>(count, [&](int64_t i, typename Vector::Mask mask) {
    Vector::store(out + i, Vector::load(x + i, mask), mask);
  });
}

}  // namespace
}  // namespace brt::kernels
