// SPDX-License-Identifier: Apache-2.0
// Sixteen float32 in an AVX-512 register, for the loops that are written over a vector type
// (kernels/lane_vector-inl.h says what it offers). By hand: a softmax of 576 logits takes 185 ns so
// and 250 ns in the vector extension, which has neither masks nor scaling by powers of two.
#pragma once

#include <cstdint>

#include <immintrin.h>

#include "kernels/bfloat16.h"
#include "kernels/bfloat16_pairs_avx512-inl.h"
#include "kernels/exp_coefficients-inl.h"

namespace brt::kernels {
namespace {

constexpr __mmask16 kAll =
    0xFFFF;  // maskz_: g++ 12 warns about the undefined operand of plain forms

struct Avx512Vector {
  using Type = __m512;
  using Mask = __mmask16;
  static constexpr int64_t kSize = 16;
  static constexpr int kSumVectors = 24;  // of 32 registers

  static __mmask16 first(int64_t count) { return static_cast<__mmask16>((1U << count) - 1U); }
  static __m512 load(const float* from) { return _mm512_loadu_ps(from); }
  static __m512 load(const float* from, __mmask16 mask) {
    return _mm512_maskz_loadu_ps(mask, from);
  }
  static __m512 load(const Bfloat16* from, __mmask16 mask) {
    const __m256i bits = _mm256_maskz_loadu_epi16(mask, from);
    return _mm512_castsi512_ps(
        _mm512_maskz_slli_epi32(kAll, _mm512_maskz_cvtepu16_epi32(kAll, bits), 16));
  }
  static void load_pairs(const Bfloat16* from, __m512& even, __m512& odd) {
    const __m512i pairs = _mm512_loadu_si512(from);
    even = even_of(pairs);
    odd = odd_of(pairs);
  }
  static __m512 broadcast(float value) { return _mm512_set1_ps(value); }
  static __m512 max(__m512 a, __m512 b, __mmask16 mask) {
    return _mm512_mask_max_ps(a, mask, a, b);
  }
  static __m512 add(__m512 a, __m512 b, __mmask16 mask) {
    return _mm512_mask_add_ps(a, mask, a, b);
  }
  static __m512 add(__m512 a, __m512 b) { return _mm512_add_ps(a, b); }
  static __m512 subtract(__m512 a, __m512 b) { return _mm512_sub_ps(a, b); }
  static __m512 multiply(__m512 a, __m512 b) { return _mm512_mul_ps(a, b); }
  static __m512 divide(__m512 a, __m512 b) { return _mm512_div_ps(a, b); }
  /// a b + c
  static __m512 multiply_add(__m512 a, __m512 b, __m512 c) { return _mm512_fmadd_ps(a, b, c); }
  static __m512 exponential(__m512 x) {
    // Of a NaN and another number, max gives the second operand.
    const __m512 clamped = _mm512_maskz_max_ps(kAll, _mm512_set1_ps(kSmallestExponent), x);
    const __m512 n = _mm512_maskz_roundscale_ps(
        kAll, _mm512_mul_ps(clamped, _mm512_set1_ps(kInverseLn2)), kBelowFloor);
    const __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(kLn2Low),
                                      _mm512_fnmadd_ps(n, _mm512_set1_ps(kLn2High), clamped));
    const __mmask16 seen = _mm512_cmp_ps_mask(x, _mm512_set1_ps(kSmallestExponent), _CMP_NLT_UQ);
    return scaled_power(seen, _mm512_mul_ps(r, _mm512_set1_ps(kInverseLn2)), n);
  }
  /// 2^x in the mask's lanes; 0 in others and of x < kSmallestPower. NaN of NaN.
  static __m512 power_of_two(__m512 x, __mmask16 mask) {
    const __m512 r = _mm512_maskz_reduce_ps(kAll, x, kBelowFloor);
    const __mmask16 seen =
        _mm512_mask_cmp_ps_mask(mask, x, _mm512_set1_ps(kSmallestPower), _CMP_NLT_UQ);
    return scaled_power(seen, r, x);
  }
  static void store(float* to, __m512 value) { _mm512_storeu_ps(to, value); }
  static void store(float* to, __m512 value, __mmask16 mask) {
    _mm512_mask_storeu_ps(to, mask, value);
  }
#ifdef __AVX512BF16__
  /// Numbers below the smallest normal one become zero.
  static void store(Bfloat16* to, __m512 value, __mmask16 mask) {
    _mm256_mask_storeu_epi16(to, mask, (__m256i)_mm512_cvtneps_pbh(value));
  }
#else
  /// As to_bfloat16.
  static void store(Bfloat16* to, __m512 value, __mmask16 mask) {
    const __m512i bits = _mm512_castps_si512(value);
    const __m512i lowest =
        _mm512_and_si512(_mm512_maskz_srli_epi32(kAll, bits, 16), _mm512_set1_epi32(1));
    const __m512i sum = _mm512_add_epi32(bits, _mm512_add_epi32(lowest, _mm512_set1_epi32(0x7FFF)));
    const __mmask16 is_nan = _mm512_cmp_ps_mask(value, value, _CMP_UNORD_Q);
    const __m512i rounded = _mm512_mask_mov_epi32(_mm512_maskz_srli_epi32(kAll, sum, 16), is_nan,
                                                  _mm512_set1_epi32(0x7FC0));
    _mm256_mask_storeu_epi16(to, mask, _mm512_maskz_cvtepi32_epi16(kAll, rounded));
  }
#endif
  static float largest(__m512 value) {
    return joined(value, [](__m512 a, __m512 b) { return _mm512_maskz_max_ps(kAll, a, b); });
  }
  static float total(__m512 value) {
    return joined(value, [](__m512 a, __m512 b) { return _mm512_add_ps(a, b); });
  }

 private:
  static constexpr int kBelowFloor = _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC;

  /// 2^(r + floor(n)) for r in [0, 1], in the mask's lanes; 0 in others.
  static __m512 scaled_power(__mmask16 mask, __m512 r, __m512 n) {
    __m512 polynomial = _mm512_set1_ps(kPowerCoefficients[0]);
    for (int i = 1; i < 6; ++i) {
      polynomial = _mm512_fmadd_ps(polynomial, r, _mm512_set1_ps(kPowerCoefficients[i]));
    }
    return _mm512_maskz_scalef_ps(mask, polynomial, n);
  }
  /// All lanes, joined in halves.
  template <class Join>
  static float joined(__m512 value, const Join& join) {
    value = join(value, _mm512_maskz_shuffle_f32x4(kAll, value, value, 0x4E));
    value = join(value, _mm512_maskz_shuffle_f32x4(kAll, value, value, 0xB1));
    value = join(value, _mm512_maskz_permute_ps(kAll, value, 0x4E));
    value = join(value, _mm512_maskz_permute_ps(kAll, value, 0xB1));
    return _mm512_cvtss_f32(value);
  }
};

}  // namespace
}  // namespace brt::kernels
