// SPDX-License-Identifier: Apache-2.0
// The sums of the AVX-512 micro-kernels. Only for files that are compiled for AVX-512.
#pragma once

#include <cstdint>

#include <immintrin.h>

namespace brt::kernels {
namespace {

/// Rows of sums in kVectors registers each, 4 for a panel; 6 rows leave 8 of the 32 registers for
/// operands.
template <int kRows, int kVectors>
struct PanelSums {
  __m512 value[kRows][kVectors];

  void load(const float* out, int64_t out_stride, bool accumulate) {
    for (int row = 0; row < kRows; ++row) {
      for (int64_t i = 0; i < kVectors; ++i) {
        value[row][i] =
            accumulate ? _mm512_loadu_ps(out + row * out_stride + 16 * i) : _mm512_setzero_ps();
      }
    }
  }
  void store(float* out, int64_t out_stride) const {
    for (int row = 0; row < kRows; ++row) {
      for (int64_t i = 0; i < kVectors; ++i) {
        _mm512_storeu_ps(out + row * out_stride + 16 * i, value[row][i]);
      }
    }
  }
};

}  // namespace
}  // namespace brt::kernels
