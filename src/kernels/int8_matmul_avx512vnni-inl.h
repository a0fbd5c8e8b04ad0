// SPDX-License-Identifier: Apache-2.0
// The micro-kernel of kernels/int8_matmul-inl.h by vpdpbusd: four products of bytes and their sum,
// exact.
#pragma once

#include <cstring>

#include <immintrin.h>

#include "kernels/int8_matmul-inl.h"
#include "kernels/int8_outputs_avx512-inl.h"

namespace brt::kernels {
namespace {

struct Avx512VnniMicro {
  // 2 rows x (high, low) x 4 registers: 16 chains of sums hide vpdpbusd's latency, and g++ 12 keeps
  // them in registers (of 24, it does not). One row needs no prefetch: that gained nothing from
  // memory, and lost 10 % from L3.
  static constexpr int kMaxRows = 2;

  template <int kRows>
  static void product(const uint8_t* high,
                      const uint8_t* low,
                      int64_t left_stride,
                      const int8_t* panel,
                      int64_t quads,
                      Int8Sums (&sums)[kRows]) {
    __m512i high_sums[kRows][4];
    __m512i low_sums[kRows][4];
    for (int row = 0; row < kRows; ++row) {
      for (int64_t i = 0; i < 4; ++i) {
        high_sums[row][i] = _mm512_setzero_si512();
        low_sums[row][i] = _mm512_setzero_si512();
      }
    }
    for (int64_t q = 0; q < quads; ++q) {
      __m512i weights[4];
      for (int64_t i = 0; i < 4; ++i) {
        const int8_t* offset = panel + q * kInt8Quad * kPanelColumns + 64 * i;
        weights[i] = _mm512_loadu_si512(offset);
      }
      for (int row = 0; row < kRows; ++row) {
        const __m512i high_quad = broadcast_quad(high + row * left_stride + q * kInt8Quad);
        const __m512i low_quad = broadcast_quad(low + row * left_stride + q * kInt8Quad);
        for (int64_t i = 0; i < 4; ++i) {
          high_sums[row][i] = _mm512_dpbusd_epi32(high_sums[row][i], high_quad, weights[i]);
          low_sums[row][i] = _mm512_dpbusd_epi32(low_sums[row][i], low_quad, weights[i]);
        }
      }
    }
    for (int row = 0; row < kRows; ++row) {
      for (int64_t i = 0; i < 4; ++i) {
        _mm512_storeu_si512(sums[row].high + 16 * i, high_sums[row][i]);
        _mm512_storeu_si512(sums[row].low + 16 * i, low_sums[row][i]);
      }
    }
  }

  static void write(const Int8Sums& sums,
                    const MatmulInt8Args& args,
                    int64_t row,
                    int64_t column,
                    int64_t columns) {
    const __m512d scale = _mm512_set1_pd(static_cast<double>(args.row_scale[row]));
    const auto eight = [&](int64_t c) {
      const ColumnScale of_columns(args, column + c, columns - c);
      return scaled_sums(sums.high + c, sums.low + c, of_columns.zero, of_columns.scale, scale);
    };
    for (int64_t c = 0; c < columns; c += 16) {
      write_outputs(args, row * args.out_stride + column + c, columns - c, eight(c), eight(c + 8));
    }
  }

 private:
  static __m512i broadcast_quad(const uint8_t* bytes) {
    int32_t quad;
    std::memcpy(&quad, bytes, sizeof(quad));
    return _mm512_set1_epi32(quad);
  }
};

}  // namespace
}  // namespace brt::kernels
