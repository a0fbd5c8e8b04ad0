// SPDX-License-Identifier: Apache-2.0
// The matrix product with AVX-512 fused multiply-adds; bfloat16 is widened on the way.
#include <immintrin.h>

#include "kernels/bfloat16_pairs_avx512-inl.h"
#include "kernels/matmul-inl.h"
#include "kernels/matmul_targets.h"
#include "kernels/panel_sums-inl.h"

namespace brt::kernels {
namespace {

struct Avx512Micro {
  static constexpr int kMaxRows = 6;

  template <int kRows, int kVectors>
  static void product(const Left<float>& left,
                      const float* panel,
                      int64_t depth,
                      float* out,
                      int64_t out_stride,
                      bool accumulate) {
    PanelSums<kRows, kVectors> sums;
    sums.load(out, out_stride, accumulate);
    for (int64_t k = 0; k < depth; ++k) {
      __m512 right[kVectors];
      for (int64_t i = 0; i < kVectors; ++i) {
        right[i] = _mm512_loadu_ps(panel + k * kPanelColumns + 16 * i);
      }
      for (int row = 0; row < kRows; ++row) {
        const __m512 factor =
            _mm512_set1_ps(left.data[row * left.row_stride + k * left.depth_stride]);
        for (int64_t i = 0; i < kVectors; ++i) {
          sums.value[row][i] = _mm512_fmadd_ps(factor, right[i], sums.value[row][i]);
        }
      }
    }
    sums.store(out, out_stride);
  }

  template <int kRows, int kVectors>
  static void product(const Left<Bfloat16>& left,
                      const Bfloat16* panel,
                      int64_t depth,
                      float* out,
                      int64_t out_stride,
                      bool accumulate) {
    PanelSums<kRows, kVectors> sums;
    sums.load(out, out_stride, accumulate);
    for (int64_t k = 0; k < depth; ++k) {
      const Bfloat16* factors = left.data + k / 2 * left.depth_stride + k % 2;
      __m512 right[kVectors];
      for (int64_t i = 0; i < kVectors; ++i) {
        const __m512i pairs = _mm512_loadu_si512(panel + k / 2 * 2 * kPanelColumns + 32 * i);
        right[i] = k % 2 == 0 ? even_of(pairs) : odd_of(pairs);
      }
      for (int row = 0; row < kRows; ++row) {
        const __m512 factor = _mm512_set1_ps(to_float(factors[row * left.row_stride]));
        for (int64_t i = 0; i < kVectors; ++i) {
          sums.value[row][i] = _mm512_fmadd_ps(factor, right[i], sums.value[row][i]);
        }
      }
    }
    sums.store(out, out_stride);
  }
};

}  // namespace

void matmul_avx512(const MatmulArgs<float>& args) {
  blocked_matmul(args, panel_product<Avx512Micro, float>);
}
void matmul_avx512(const MatmulArgs<Bfloat16>& args) {
  blocked_matmul(args, panel_product<Avx512Micro, Bfloat16>);
}

}  // namespace brt::kernels
