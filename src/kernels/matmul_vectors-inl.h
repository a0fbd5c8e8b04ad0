// SPDX-License-Identifier: Apache-2.0
// The micro-kernel of kernels/matmul-inl.h over a vector type (kernels/lane_vector-inl.h): fused
// multiply-adds where the target has them; bfloat16 is widened on the way.
#pragma once

#include <cstdint>

#include "kernels/matmul-inl.h"
#include "kernels/panel_sums-inl.h"

namespace brt::kernels {
namespace {

template <class Vector>
struct VectorMicro {
  /// As many rows as there are registers for a vector of sums of each, 6 with AVX2 and AVX-512.
  static constexpr int kMaxRows = Vector::kSumVectors < 6 ? Vector::kSumVectors : 6;
  static constexpr int kGroupVectors = Vector::kSumVectors < 24 ? 1 : 4;

  template <int kRows, int kVectors, class T>
  static void product(const Left<T>& left,
                      const T* panel,
                      int64_t depth,
                      float* out,
                      int64_t out_stride,
                      bool accumulate) {
    constexpr int kFitting = Vector::kSumVectors / kRows;
    constexpr int kGroup = kFitting < kVectors ? kFitting : kVectors;
    group_products<kRows, kGroup, kVectors>(left, panel, depth, out, out_stride, accumulate);
  }

 private:
  /// The columns in groups whose sums stay in registers.
  template <int kRows, int kGroup, int kVectors, class T>
  static void group_products(const Left<T>& left,
                             const T* panel,
                             int64_t depth,
                             float* out,
                             int64_t out_stride,
                             bool accumulate) {
    PanelSums<Vector, kRows, kGroup> sums;
    sums.load(out, out_stride, accumulate);
    add_products(sums, left, panel, depth);
    sums.store(out, out_stride);
    if constexpr (kVectors > kGroup) {
      constexpr int kLeft = kVectors - kGroup;
      group_products<kRows, (kGroup < kLeft ? kGroup : kLeft), kLeft>(
          left, panel + panel_index(0, kGroup * kVectorColumns, panel), depth,
          out + kGroup * kVectorColumns, out_stride, accumulate);
    }
  }

  template <int kRows, int kGroup>
  __attribute__((always_inline)) static void add_products(PanelSums<Vector, kRows, kGroup>& sums,
                                                          const Left<float>& left,
                                                          const float* panel,
                                                          int64_t depth) {
    for (int64_t k = 0; k < depth; ++k, panel += kPanelColumns) {
      typename Vector::Type right[kGroup];
      for (int i = 0; i < kGroup; ++i) {
        right[i] = Vector::load(panel + kVectorColumns * i);
      }
      sums.add([&](int row) { return left.data[row * left.row_stride + k * left.depth_stride]; },
               right);
    }
  }

  template <int kRows, int kGroup>
  __attribute__((always_inline)) static void add_products(PanelSums<Vector, kRows, kGroup>& sums,
                                                          const Left<Bfloat16>& left,
                                                          const Bfloat16* panel,
                                                          int64_t depth) {
    const Bfloat16* factors = left.data;
    for (int64_t k = 0; k < depth; k += 2, factors += left.depth_stride) {
      typename Vector::Type even[kGroup];
      typename Vector::Type odd[kGroup];
      for (int i = 0; i < kGroup; ++i) {
        Vector::load_pairs(panel + k * kPanelColumns + 2 * kVectorColumns * i, even[i], odd[i]);
      }
      sums.add([&](int row) { return to_float(factors[row * left.row_stride]); }, even);
      if (k + 1 < depth) {
        sums.add([&](int row) { return to_float(factors[row * left.row_stride + 1]); }, odd);
      }
    }
  }
};

}  // namespace
}  // namespace brt::kernels
