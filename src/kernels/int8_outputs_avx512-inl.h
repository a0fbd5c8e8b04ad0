// SPDX-License-Identifier: Apache-2.0
// Outputs of kernels/int8_matmul.h from finished sums, by AVX-512.
#pragma once

#include <cstdint>

#include <immintrin.h>

#include "kernels/first_lanes_avx512-inl.h"
#include "kernels/int8_matmul.h"

namespace brt::kernels {
namespace {

/// What the sums of eight columns are scaled with; exact.
struct ColumnScale {
  __m512d scale;
  __m512d zero;  ///< 16384 column_sum

  ColumnScale(const MatmulInt8Args& args, int64_t column, int64_t columns) {
    const __mmask8 mask = static_cast<__mmask8>(first16(columns));
    const __m256 given = _mm256_maskz_loadu_ps(mask, args.column_scale + column);
    const __m256i sums = _mm256_maskz_loadu_epi32(mask, args.column_sum + column);
    scale = _mm512_maskz_cvtps_pd(0xFF, given);
    zero = _mm512_mul_pd(_mm512_maskz_cvtepi32_pd(0xFF, sums), _mm512_set1_pd(16384.0));
  }
};

/// Eight outputs of a row; each step but the last product is exact in float64.
__m256 scaled_sums(const int32_t* high,
                   const int32_t* low,
                   const __m512d& zero,
                   const __m512d& scale,
                   const __m512d& row_scale) {
  const __m512d highs = _mm512_maskz_cvtepi32_pd(0xFF, _mm256_load_si256((const __m256i*)high));
  const __m512d lows = _mm512_maskz_cvtepi32_pd(0xFF, _mm256_load_si256((const __m256i*)low));
  const __m512d sum = _mm512_add_pd(_mm512_fmsub_pd(highs, _mm512_set1_pd(128.0), zero), lows);
  return _mm512_maskz_cvtpd_ps(0xFF, _mm512_mul_pd(sum, _mm512_mul_pd(row_scale, scale)));
}

/// Sixteen outputs, of which `columns` are used, as the call wants them.
void write_outputs(
    const MatmulInt8Args& args, int64_t offset, int64_t columns, __m256 first, __m256 second) {
  const __mmask16 mask = first16(columns);
  __m512 values = _mm512_maskz_insertf32x8(0xFFFF, _mm512_castps256_ps512(first), second, 1);
  float* out = args.out + offset;
  if (args.output == MatmulOutput::kAddFloat) {
    values = _mm512_add_ps(_mm512_maskz_loadu_ps(mask, out), values);
  }
  _mm512_mask_storeu_ps(out, mask, values);
}

}  // namespace
}  // namespace brt::kernels
