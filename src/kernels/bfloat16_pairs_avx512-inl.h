// SPDX-License-Identifier: Apache-2.0
// Pairs of bfloat16, as panels hold them, taken apart for AVX-512.
#pragma once

#include <immintrin.h>

namespace brt::kernels {
namespace {

/// Of 16 pairs, the even elements and the odd ones as float32.
__attribute__((always_inline)) inline __m512 even_of(__m512i pairs) {
  // maskz: g++ 12 warns about the undefined operand of the plain form
  return _mm512_castsi512_ps(_mm512_maskz_slli_epi32(0xFFFF, pairs, 16));
}
__attribute__((always_inline)) inline __m512 odd_of(__m512i pairs) {
  return _mm512_castsi512_ps(
      _mm512_and_si512(pairs, _mm512_set1_epi32(static_cast<int>(0xFFFF0000U))));
}

}  // namespace
}  // namespace brt::kernels
