// SPDX-License-Identifier: Apache-2.0
// Packing and transposing with AVX-512. A pair of bfloat16 is one element of 32 bits, so packing
// columns and transposing are transposes of 16 x 16 such elements in registers.
#pragma once

#include <immintrin.h>

#include "kernels/first_lanes_avx512-inl.h"
#include "kernels/kernel_table.h"
#include "kernels/min_max-inl.h"
#include "kernels/panels.h"
#include "kernels/transpose_square-inl.h"

namespace brt::kernels {
namespace {

/// bfloat16 in the lower half of each element, rounded as to_bfloat16 does.
__m512i rounded(__m512 value) {
  const __m512i bits = _mm512_castps_si512(value);
  const __m512i odd =
      _mm512_and_si512(_mm512_maskz_srli_epi32(0xFFFF, bits, 16), _mm512_set1_epi32(1));
  const __m512i sum = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7FFF)));
  const __mmask16 is_nan = _mm512_cmp_ps_mask(value, value, _CMP_UNORD_Q);
  return _mm512_mask_mov_epi32(_mm512_maskz_srli_epi32(0xFFFF, sum, 16), is_nan,
                               _mm512_set1_epi32(0x7FC0));
}

/// Up to 32 neighbours as 16 pairs of bfloat16; what lies beyond `count` is zero.
__m512i load_pairs(const Bfloat16* source, int64_t count) {
  return _mm512_maskz_loadu_epi16(first32(count), source);
}
__m512i load_pairs(const float* source, int64_t count) {
  const __m512i low = rounded(_mm512_maskz_loadu_ps(first16(count), source));
  const __m512i high = rounded(_mm512_maskz_loadu_ps(first16(count - 16), source + 16));
  return _mm512_maskz_inserti64x4(0xFF,
                                  _mm512_castsi256_si512(_mm512_maskz_cvtepi32_epi16(0xFFFF, low)),
                                  _mm512_maskz_cvtepi32_epi16(0xFFFF, high), 1);
}

/// Elements [0, 16) of rows k and k + 1 as pairs; up to `count` of each, the second row if present.
__m512i interleaved(const float* row, const float* next, int64_t count) {
  const __m512i low = rounded(_mm512_maskz_loadu_ps(first16(count), row));
  if (next == nullptr) {
    return low;
  }
  const __m512i high = rounded(_mm512_maskz_loadu_ps(first16(count), next));
  return _mm512_or_si512(low, _mm512_maskz_slli_epi32(0xFFFF, high, 16));
}
__m512i interleaved(const Bfloat16* row, const Bfloat16* next, int64_t count) {
  const __mmask16 mask = first16(count);
  const __m512i low = _mm512_maskz_cvtepu16_epi32(0xFFFF, _mm256_maskz_loadu_epi16(mask, row));
  if (next == nullptr) {
    return low;
  }
  const __m512i high = _mm512_maskz_cvtepu16_epi32(0xFFFF, _mm256_maskz_loadu_epi16(mask, next));
  return _mm512_or_si512(low, _mm512_maskz_slli_epi32(0xFFFF, high, 16));
}

template <class Source>
void pack_rows_of(const PackArgs<Source, Bfloat16>& args, int64_t begin, int64_t end) {
  const int64_t size = panel_size(args.depth, args.panels);
  for (int64_t p = begin; p < end; ++p) {
    Bfloat16* panel = args.panels + p * size;
    const int64_t columns = smaller(kPanelColumns, args.columns - p * kPanelColumns);
    for (int64_t k = 0; k < args.depth; k += 2) {
      const Source* row = args.source + k * args.source_stride + p * kPanelColumns;
      const Source* next = k + 1 < args.depth ? row + args.source_stride : nullptr;
      for (int64_t c = 0; c < kPanelColumns; c += kSquare) {
        const Source* next_part = next == nullptr ? nullptr : next + c;
        const __m512i pairs =
            columns > c ? interleaved(row + c, next_part, columns - c) : _mm512_setzero_si512();
        _mm512_storeu_si512(panel + k * kPanelColumns + 2 * c, pairs);
      }
    }
  }
}

[[maybe_unused]] void pack_rows_of(const PackArgs<float, float>& args, int64_t begin, int64_t end) {
  const int64_t size = panel_size(args.depth, args.panels);
  for (int64_t p = begin; p < end; ++p) {
    float* panel = args.panels + p * size;
    const int64_t columns = smaller(kPanelColumns, args.columns - p * kPanelColumns);
    for (int64_t k = 0; k < args.depth; ++k) {
      const float* row = args.source + k * args.source_stride + p * kPanelColumns;
      for (int64_t c = 0; c < kPanelColumns; c += kSquare) {
        const __m512 part = columns > c ? _mm512_maskz_loadu_ps(first16(columns - c), row + c)
                                        : _mm512_setzero_ps();
        _mm512_storeu_ps(panel + k * kPanelColumns + c, part);
      }
    }
  }
}

template <class Source>
void pack_columns_of(const PackArgs<Source, Bfloat16>& args, int64_t begin, int64_t end) {
  const int64_t size = panel_size(args.depth, args.panels);
  for (int64_t p = begin; p < end; ++p) {
    Bfloat16* panel = args.panels + p * size;
    for (int64_t group = 0; group < kPanelColumns; group += kSquare) {
      const int64_t first = p * kPanelColumns + group;
      const int64_t columns = smaller(kSquare, args.columns - first);
      for (int64_t k = 0; k < args.depth; k += 2 * kSquare) {
        __m512i square[kSquare];
        for (int64_t c = 0; c < kSquare; ++c) {
          square[c] = c < columns ? load_pairs(args.source + (first + c) * args.source_stride + k,
                                               args.depth - k)
                                  : _mm512_setzero_si512();
        }
        transpose_square(square);
        const int64_t pairs = smaller(kSquare, (args.depth - k + 1) / 2);
        for (int64_t i = 0; i < pairs; ++i) {
          _mm512_storeu_si512(panel + (k + 2 * i) * kPanelColumns + 2 * group, square[i]);
        }
      }
    }
  }
}

/// A square of float32 from up to `rows` rows and `columns` columns; zero beyond.
void load_square(const float* source,
                 int64_t stride,
                 int64_t rows,
                 int64_t columns,
                 __m512i (&square)[kSquare]) {
  for (int64_t r = 0; r < kSquare; ++r) {
    square[r] = r < rows ? _mm512_maskz_loadu_epi32(first16(columns), source + r * stride)
                         : _mm512_setzero_si512();
  }
}

[[maybe_unused]] void pack_columns_of(const PackArgs<float, float>& args,
                                      int64_t begin,
                                      int64_t end) {
  const int64_t size = panel_size(args.depth, args.panels);
  for (int64_t p = begin; p < end; ++p) {
    float* panel = args.panels + p * size;
    for (int64_t group = 0; group < kPanelColumns; group += kSquare) {
      const int64_t first = p * kPanelColumns + group;
      const int64_t columns = smaller(kSquare, args.columns - first);
      for (int64_t k = 0; k < args.depth; k += kSquare) {
        __m512i square[kSquare];
        const float* source = columns > 0 ? args.source + first * args.source_stride + k : nullptr;
        load_square(source, args.source_stride, columns, args.depth - k, square);
        transpose_square(square);
        const int64_t rows = smaller(kSquare, args.depth - k);
        for (int64_t i = 0; i < rows; ++i) {
          _mm512_storeu_si512(panel + (k + i) * kPanelColumns + group, square[i]);
        }
      }
    }
  }
}

[[maybe_unused]] void transpose_of(const TransposeArgs<float>& args) {
  for (int64_t row = 0; row < args.rows; row += kSquare) {
    const int64_t rows = smaller(kSquare, args.rows - row);
    for (int64_t column = args.column_begin; column < args.column_end; column += kSquare) {
      const int64_t columns = smaller(kSquare, args.column_end - column);
      __m512i square[kSquare];
      load_square(args.source + row * args.source_stride + column, args.source_stride, rows,
                  columns, square);
      transpose_square(square);
      for (int64_t c = 0; c < columns; ++c) {
        float* out = args.out + (column - args.column_begin + c) * args.out_stride + row;
        _mm512_mask_storeu_epi32(out, first16(rows), square[c]);
      }
    }
  }
}

[[maybe_unused]] void transpose_of(const TransposeArgs<Bfloat16>& args) {
  for (int64_t row = 0; row < args.rows; row += 2 * kSquare) {
    const int64_t rows = smaller(2 * kSquare, args.rows - row);
    for (int64_t column = args.column_begin; column < args.column_end; column += kSquare) {
      const int64_t columns = smaller(kSquare, args.column_end - column);
      __m512i square[kSquare];  // pairs of rows
      for (int64_t i = 0; i < kSquare; ++i) {
        const Bfloat16* source = args.source + (row + 2 * i) * args.source_stride + column;
        const Bfloat16* next = 2 * i + 1 < rows ? source + args.source_stride : nullptr;
        square[i] = 2 * i < rows ? interleaved(source, next, columns) : _mm512_setzero_si512();
      }
      transpose_square(square);
      for (int64_t c = 0; c < columns; ++c) {
        Bfloat16* out = args.out + (column - args.column_begin + c) * args.out_stride + row;
        _mm512_mask_storeu_epi16(out, first32(rows), square[c]);
      }
    }
  }
}

/// Puts these functions into a table.
template <class T>
constexpr void set_packing(TypedKernels<T>& kernels) {
  kernels.pack_rows = pack_rows_of;
  kernels.pack_columns = pack_columns_of;
  kernels.pack_rounded_rows = pack_rows_of;
  kernels.pack_rounded_columns = pack_columns_of;
  kernels.transpose = transpose_of;
}

}  // namespace
}  // namespace brt::kernels
