// SPDX-License-Identifier: Apache-2.0
// One row's product in vectors, with the bits of AMX tiles. A token's attention reads some KiB of
// keys at a time: the unit, which falls asleep within half a microsecond, takes longer to wake than
// to compute with them. Products that wait for memory beyond L3 are better off with tiles, whose
// loads leave the CPU room to fetch ahead. It makes decoding by a small model with int8 weights
// (`brt bench decode`, recipe small: attention over 128 keys) 7 % faster.
//
// A tile's product adds to a sum, for each step, what its 16 pairs give: fused multiply-adds from
// zero, those of the even elements and those of the odd ones apart, both joined at last; denormal
// numbers are zeros (Intel's manual, TDPBF16PS).
#pragma once

#include <cstdint>

#include <immintrin.h>

#include "kernels/amx_tiles-inl.h"
#include "kernels/bfloat16_pairs_avx512-inl.h"

namespace brt::kernels {
namespace {

/// While this lives, the thread's vector arithmetic takes denormal numbers for zeros.
class ZeroDenormals {
 public:
  ZeroDenormals() : before_(_mm_getcsr()) { _mm_setcsr(before_ | kFlush | kDenormalsAreZeros); }
  ~ZeroDenormals() { _mm_setcsr(before_); }
  ZeroDenormals(const ZeroDenormals&) = delete;
  ZeroDenormals& operator=(const ZeroDenormals&) = delete;

 private:
  static constexpr unsigned kFlush = 0x8000;
  static constexpr unsigned kDenormalsAreZeros = 0x0040;
  unsigned before_;
};

/// sum [16 kVectors] (+)= left [pairs] right [pairs, 64]: of the depth, pairs [begin, end).
template <int kVectors>
void row_product(const TileLeft& left,
                 const char* right,
                 int64_t begin,
                 int64_t end,
                 float* sum,
                 bool accumulates) {
  __m512 sums[kVectors];
  for (int64_t v = 0; v < kVectors; ++v) {
    sums[v] = accumulates ? _mm512_loadu_ps(sum + 16 * v) : _mm512_setzero_ps();
  }
  for (int64_t first = begin / kTileRows * kTileRows; first < end; first += kTileRows) {
    const __m512i values = _mm512_loadu_si512(left.data + first / kTileRows * left.step_bytes);
    alignas(64) float even_values[kTileRows];
    alignas(64) float odd_values[kTileRows];
    _mm512_store_ps(even_values, even_of(values));
    _mm512_store_ps(odd_values, odd_of(values));
    __m512 even[kVectors] = {};
    __m512 odd[kVectors] = {};
    for (int64_t pair = larger(first, begin); pair < smaller(first + kTileRows, end); ++pair) {
      const __m512 even_value = _mm512_set1_ps(even_values[pair - first]);
      const __m512 odd_value = _mm512_set1_ps(odd_values[pair - first]);
#pragma GCC unroll 4
      for (int64_t v = 0; v < kVectors; ++v) {
        const __m512i columns =
            _mm512_loadu_si512(right + pair * kPanelRowBytes + v * kTileRowBytes);
        even[v] = _mm512_fmadd_ps(even_value, even_of(columns), even[v]);
        odd[v] = _mm512_fmadd_ps(odd_value, odd_of(columns), odd[v]);
      }
    }
    for (int64_t v = 0; v < kVectors; ++v) {
      sums[v] = _mm512_add_ps(sums[v], _mm512_add_ps(even[v], odd[v]));
    }
  }
  for (int64_t v = 0; v < kVectors; ++v) {
    _mm512_storeu_ps(sum + 16 * v, sums[v]);
  }
}

/// The same of some vectors of 16 columns.
void row_product_of(int64_t vectors,
                    const TileLeft& left,
                    const char* right,
                    int64_t begin,
                    int64_t end,
                    float* sum,
                    bool accumulates) {
  switch (vectors) {
    case 1:
      return row_product<1>(left, right, begin, end, sum, accumulates);
    case 2:
      return row_product<2>(left, right, begin, end, sum, accumulates);
    case 3:
      return row_product<3>(left, right, begin, end, sum, accumulates);
    case 4:
      return row_product<4>(left, right, begin, end, sum, accumulates);
    default:
      return;
  }
}

}  // namespace
}  // namespace brt::kernels
