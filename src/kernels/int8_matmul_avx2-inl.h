// SPDX-License-Identifier: Apache-2.0
// The micro-kernel of kernels/int8_matmul-inl.h for AVX2, exact: by vpdpbusd where the CPU has
// AVX-VNNI, else by vpmaddubsw, whose sums of two products must fit 16 bits. Those of low do (2 x
// 127 x 127); those of high do when 128 is taken from it, its sign moved to the weight.
#pragma once

#include <cstring>

#include <immintrin.h>

#include "kernels/int8_matmul-inl.h"

namespace brt::kernels {
namespace {

struct Avx2Int8Micro {
  static constexpr int kMaxRows = 2;

  template <int kRows>
  static void product(const uint8_t* high,
                      const uint8_t* low,
                      int64_t left_stride,
                      const int8_t* panel,
                      int64_t quads,
                      Int8Sums (&sums)[kRows]) {
    constexpr int kGroup = 4 / kRows;  // registers of 8 columns; sums of high and low: 8 in all
    for (int column = 0; column < kPanelColumns; column += 8 * kGroup) {
      __m256i high_sums[kRows][kGroup];
      __m256i low_sums[kRows][kGroup];
      for (int row = 0; row < kRows; ++row) {
        for (int i = 0; i < kGroup; ++i) {
          high_sums[row][i] = _mm256_setzero_si256();
          low_sums[row][i] = _mm256_setzero_si256();
        }
      }
      for (int64_t q = 0; q < quads; ++q) {
        const int8_t* quad = panel + (q * kPanelColumns + column) * kInt8Quad;
        __m256i weights[kGroup];
        for (int64_t i = 0; i < kGroup; ++i) {
          weights[i] = _mm256_loadu_si256((const __m256i*)(quad + 32 * i));
        }
        for (int row = 0; row < kRows; ++row) {
          const int64_t offset = row * left_stride + q * kInt8Quad;
          const High highs(high + offset);
          const __m256i lows = broadcast_quad(low + offset);
          for (int i = 0; i < kGroup; ++i) {
            high_sums[row][i] = highs.add_products(high_sums[row][i], weights[i]);
            low_sums[row][i] = add_low(low_sums[row][i], lows, weights[i]);
          }
        }
      }
      for (int row = 0; row < kRows; ++row) {
        for (int i = 0; i < kGroup; ++i) {
          _mm256_store_si256((__m256i*)(sums[row].high + column + 8 * i), high_sums[row][i]);
          _mm256_store_si256((__m256i*)(sums[row].low + column + 8 * i), low_sums[row][i]);
        }
      }
    }
  }

  static void write(const Int8Sums& sums,
                    const MatmulInt8Args& args,
                    int64_t row,
                    int64_t column,
                    int64_t columns) {
    write_sums(sums, High::kZero, args, row, column, columns);
  }

 private:
  static __m256i broadcast_quad(const uint8_t* bytes) {
    int32_t quad;
    std::memcpy(&quad, bytes, sizeof(quad));
    return _mm256_set1_epi32(quad);
  }

#ifdef __AVXVNNI__
  struct High {
    static constexpr int32_t kZero = kInt8Zero;
    __m256i quads;

    explicit High(const uint8_t* bytes) : quads(broadcast_quad(bytes)) {}
    __m256i add_products(__m256i sums, __m256i weights) const {
      return _mm256_dpbusd_avx_epi32(sums, quads, weights);
    }
  };
  static __m256i add_low(__m256i sums, __m256i lows, __m256i weights) {
    return _mm256_dpbusd_avx_epi32(sums, lows, weights);
  }
#else
  /// 128 is taken from each: what remains of the zero is nothing.
  struct High {
    static constexpr int32_t kZero = 0;
    __m256i quads;
    __m256i magnitudes;

    explicit High(const uint8_t* bytes)
        : quads(_mm256_xor_si256(broadcast_quad(bytes), _mm256_set1_epi8(-128))),
          magnitudes(_mm256_abs_epi8(quads)) {}
    __m256i add_products(__m256i sums, __m256i weights) const {
      return add_low(sums, magnitudes, _mm256_sign_epi8(weights, quads));
    }
  };
  static __m256i add_low(__m256i sums, __m256i lows, __m256i weights) {
    const __m256i pairs = _mm256_maddubs_epi16(lows, weights);
    return _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
#endif
};

}  // namespace
}  // namespace brt::kernels
