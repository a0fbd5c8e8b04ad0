// SPDX-License-Identifier: Apache-2.0
// The micro-kernel of kernels/matmul-inl.h with vdpbf16ps.
#pragma once

#include <cstring>

#include <immintrin.h>

#include "kernels/matmul-inl.h"
#include "kernels/panel_sums-inl.h"
#include "kernels/vector_avx512-inl.h"

namespace brt::kernels {
namespace {

struct Avx512Bf16Micro {
  // 6 rows x 4 registers: 24 chains of sums hide vdpbf16ps's latency (6 cycles, one a cycle on Zen
  // 4).
  static constexpr int kMaxRows = 6;
  static constexpr int kGroupVectors = 4;

  template <int kRows, int kVectors>
  static void product(const Left<Bfloat16>& left,
                      const Bfloat16* panel,
                      int64_t depth,
                      float* out,
                      int64_t out_stride,
                      bool accumulate) {
    PanelSums<Avx512Vector, kRows, kVectors> sums;
    sums.load(out, out_stride, accumulate);
    const int64_t even_depth = depth / 2 * 2;
    const Bfloat16* pairs = left.data;
    for (int64_t k = 0; k < even_depth; k += 2, pairs += left.depth_stride) {
      add_pair<kRows, kVectors>(sums, panel + k * kPanelColumns, [&](int row) {
        int32_t pair;
        std::memcpy(&pair, pairs + row * left.row_stride, sizeof(pair));
        return pair;
      });
    }
    if (even_depth < depth) {
      add_pair<kRows, kVectors>(sums, panel + even_depth * kPanelColumns, [&](int row) {
        return static_cast<int32_t>(pairs[row * left.row_stride].bits);
      });
    }
    sums.store(out, out_stride);
  }

 private:
  template <int kRows, int kVectors, class LeftPair>
  __attribute__((always_inline)) static void add_pair(
      PanelSums<Avx512Vector, kRows, kVectors>& sums,
      const Bfloat16* panel_pairs,
      const LeftPair& left_pair) {
    __m512bh right[kVectors];
    for (int64_t i = 0; i < kVectors; ++i) {
      right[i] = (__m512bh)_mm512_loadu_si512(panel_pairs + 32 * i);
    }
    for (int row = 0; row < kRows; ++row) {
      const __m512bh factor = (__m512bh)_mm512_set1_epi32(left_pair(row));
      for (int64_t i = 0; i < kVectors; ++i) {
        sums.value[row][i] = _mm512_dpbf16_ps(sums.value[row][i], factor, right[i]);
      }
    }
  }
};

}  // namespace
}  // namespace brt::kernels
