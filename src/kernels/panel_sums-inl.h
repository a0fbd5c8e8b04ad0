// SPDX-License-Identifier: Apache-2.0
// The sums of the micro-kernels, over a vector type (kernels/lane_vector-inl.h).
#pragma once

#include <cstdint>

namespace brt::kernels {
namespace {

/// Rows of sums, of kVectors vectors each; 4 are a panel's.
template <class Vector, int kRows, int kVectors>
struct PanelSums {
  typename Vector::Type value[kRows][kVectors];

  __attribute__((always_inline)) void load(const float* out, int64_t out_stride, bool accumulate) {
    for (int row = 0; row < kRows; ++row) {
      for (int i = 0; i < kVectors; ++i) {
        value[row][i] = accumulate ? Vector::load(out + row * out_stride + Vector::kSize * i)
                                   : Vector::broadcast(0.0F);
      }
    }
  }
  /// Adds the products of one element of the depth: factor(row) times `right`.
  template <class Factor>
  __attribute__((always_inline)) void add(const Factor& factor,
                                          const typename Vector::Type (&right)[kVectors]) {
    for (int row = 0; row < kRows; ++row) {
      const typename Vector::Type factors = Vector::broadcast(factor(row));
      for (int i = 0; i < kVectors; ++i) {
        value[row][i] = Vector::multiply_add(factors, right[i], value[row][i]);
      }
    }
  }
  __attribute__((always_inline)) void store(float* out, int64_t out_stride) const {
    for (int row = 0; row < kRows; ++row) {
      for (int i = 0; i < kVectors; ++i) {
        Vector::store(out + row * out_stride + Vector::kSize * i, value[row][i]);
      }
    }
  }
};

}  // namespace
}  // namespace brt::kernels
