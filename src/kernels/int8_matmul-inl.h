// SPDX-License-Identifier: Apache-2.0
// The product of kernels/int8_matmul.h, written once over a micro-kernel of each target file:
//
//   struct Micro {
//     static constexpr int kMaxRows;
//     template <int kRows>  // sums of high and of low with the 64 columns of a panel
//     static void product(const uint8_t* high, const uint8_t* low, int64_t left_stride,
//                         const int8_t* panel, int64_t quads, Int8Sums (&sums)[kRows]);
//     // a row's finished sums into the output: `columns` of them from column `column` on
//     static void write(const Int8Sums& sums, const MatmulInt8Args& args, int64_t row,
//                       int64_t column, int64_t columns);
//   };
//
// Loops, from the outside: rows in chunks that stay in L2; panels; groups of kMaxRows rows, for
// which a panel comes from memory once. One row reads each byte once, in the order of memory.
#pragma once

#include <cstdint>

#include "kernels/int8_matmul.h"
#include "kernels/min_max-inl.h"

namespace brt::kernels {
namespace {

struct alignas(64) Int8Sums {
  int32_t high[kPanelColumns];
  int32_t low[kPanelColumns];
};

constexpr int64_t kInt8ChunkBytes = int64_t{256} * 1024;  // of high and low

/// The rows that remain, at most kRows, with one panel.
template <class Micro, int kRows>
void multiply_rows(const MatmulInt8Args& args, int64_t row, int64_t rows, int64_t column) {
  if (rows < kRows) {
    if constexpr (kRows > 1) {
      multiply_rows<Micro, kRows - 1>(args, row, rows, column);
    }
    return;
  }
  Int8Sums sums[kRows];
  const int8_t* panel = args.panels + column / kPanelColumns * int8_panel_size(args.depth);
  const int64_t left = row * args.left_stride;
  Micro::template product<kRows>(args.high + left, args.low + left, args.left_stride, panel,
                                 int8_padded_depth(args.depth) / kInt8Quad, sums);
  for (int64_t r = 0; r < kRows; ++r) {
    Micro::write(sums[r], args, row + r, column, smaller(kPanelColumns, args.columns - column));
  }
}

template <class Micro>
void blocked_matmul_int8(const MatmulInt8Args& args) {
  constexpr int64_t kRows = Micro::kMaxRows;
  const int64_t row_bytes = 2 * int8_padded_depth(args.depth) + 1;  // never zero
  const int64_t fitting = kInt8ChunkBytes / row_bytes / kRows * kRows;
  const int64_t chunk = fitting < 8 * kRows ? 8 * kRows : fitting;
  for (int64_t from = 0; from < args.rows; from += chunk) {
    const int64_t to = smaller(from + chunk, args.rows);
    for (int64_t column = 0; column < args.columns; column += kPanelColumns) {
      for (int64_t row = from; row < to; row += kRows) {
        multiply_rows<Micro, Micro::kMaxRows>(args, row, smaller(kRows, to - row), column);
      }
    }
  }
}

/// What quantize_rows adds to codes, so that none is negative.
constexpr int32_t kInt8Zero = 16384;

/// @param zero  what is in each 128 high + low beyond the row's number
[[maybe_unused]] void write_sums(const Int8Sums& sums,
                                 int32_t zero,
                                 const MatmulInt8Args& args,
                                 int64_t row,
                                 int64_t column,
                                 int64_t columns) {
  const double row_scale = static_cast<double>(args.row_scale[row]);
  float* out = args.out + row * args.out_stride + column;
  const bool adds = args.output == MatmulOutput::kAddFloat;
  for (int64_t c = 0; c < columns; ++c) {  // each step but the last product is exact in float64
    const double sum = 128.0 * static_cast<double>(sums.high[c]) +
                       static_cast<double>(sums.low[c]) -
                       static_cast<double>(zero) * static_cast<double>(args.column_sum[column + c]);
    const double scale = row_scale * static_cast<double>(args.column_scale[column + c]);
    const float value = static_cast<float>(sum * scale);
    out[c] = adds ? out[c] + value : value;
  }
}

/// Plain loops, for the compiler to vectorise.
struct PlainInt8Micro {
  static constexpr int kMaxRows = 1;

  template <int kRows>
  static void product(const uint8_t* high,
                      const uint8_t* low,
                      int64_t /*left_stride*/,
                      const int8_t* panel,
                      int64_t quads,
                      Int8Sums (&sums)[kRows]) {
    for (int64_t c = 0; c < kPanelColumns; ++c) {
      sums[0].high[c] = 0;
      sums[0].low[c] = 0;
    }
    for (int64_t q = 0; q < quads; ++q) {
      const int8_t* weights = panel + q * kInt8Quad * kPanelColumns;
      for (int64_t c = 0; c < kPanelColumns; ++c) {
        int32_t high_sum = 0;
        int32_t low_sum = 0;
        for (int64_t i = 0; i < kInt8Quad; ++i) {
          high_sum += high[q * kInt8Quad + i] * weights[c * kInt8Quad + i];
          low_sum += low[q * kInt8Quad + i] * weights[c * kInt8Quad + i];
        }
        sums[0].high[c] += high_sum;
        sums[0].low[c] += low_sum;
      }
    }
  }

  static void write(const Int8Sums& sums,
                    const MatmulInt8Args& args,
                    int64_t row,
                    int64_t column,
                    int64_t columns) {
    write_sums(sums, kInt8Zero, args, row, column, columns);
  }
};

}  // namespace
}  // namespace brt::kernels
