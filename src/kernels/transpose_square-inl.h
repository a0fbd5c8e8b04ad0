// SPDX-License-Identifier: Apache-2.0
// The transpose of 16 x 16 elements of 32 bits in registers.
#pragma once

#include <cstdint>

#include <immintrin.h>

namespace brt::kernels {
namespace {

constexpr int64_t kSquare = 16;  // elements of 32 bits in a register

/// Transposes 16 registers of 16 elements in place.
__attribute__((always_inline)) inline void transpose_square(__m512i (&row)[kSquare]) {
  __m512i half[kSquare];
#pragma GCC unroll 16
  for (int i = 0; i < 16; i += 2) {
    half[i] = _mm512_maskz_unpacklo_epi32(0xFFFF, row[i], row[i + 1]);
    half[i + 1] = _mm512_maskz_unpackhi_epi32(0xFFFF, row[i], row[i + 1]);
  }
#pragma GCC unroll 16
  for (int i = 0; i < 16; i += 4) {
    row[i] = _mm512_maskz_unpacklo_epi64(0xFF, half[i], half[i + 2]);
    row[i + 1] = _mm512_maskz_unpackhi_epi64(0xFF, half[i], half[i + 2]);
    row[i + 2] = _mm512_maskz_unpacklo_epi64(0xFF, half[i + 1], half[i + 3]);
    row[i + 3] = _mm512_maskz_unpackhi_epi64(0xFF, half[i + 1], half[i + 3]);
  }
#pragma GCC unroll 16
  for (int i = 0; i < 4; ++i) {
    half[i] = _mm512_maskz_shuffle_i32x4(0xFFFF, row[i], row[i + 4], 0x88);
    half[i + 4] = _mm512_maskz_shuffle_i32x4(0xFFFF, row[i], row[i + 4], 0xDD);
    half[i + 8] = _mm512_maskz_shuffle_i32x4(0xFFFF, row[i + 8], row[i + 12], 0x88);
    half[i + 12] = _mm512_maskz_shuffle_i32x4(0xFFFF, row[i + 8], row[i + 12], 0xDD);
  }
#pragma GCC unroll 16
  for (int i = 0; i < 4; ++i) {
    row[i] = _mm512_maskz_shuffle_i32x4(0xFFFF, half[i], half[i + 8], 0x88);
    row[i + 4] = _mm512_maskz_shuffle_i32x4(0xFFFF, half[i + 4], half[i + 12], 0x88);
    row[i + 8] = _mm512_maskz_shuffle_i32x4(0xFFFF, half[i], half[i + 8], 0xDD);
    row[i + 12] = _mm512_maskz_shuffle_i32x4(0xFFFF, half[i + 4], half[i + 12], 0xDD);
  }
}

}  // namespace
}  // namespace brt::kernels
