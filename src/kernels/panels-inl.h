// SPDX-License-Identifier: Apache-2.0
// Packing and transposing in plain loops over tiles that stay in L1.
#pragma once

#include "kernels/independent_iterations.h"
#include "kernels/kernel_table.h"
#include "kernels/min_max-inl.h"
#include "kernels/panels.h"

namespace brt::kernels {
namespace {

void convert(float value, float& out) { out = value; }
Bfloat16 bfloat16_of(float value) { return to_bfloat16(value); }
Bfloat16 bfloat16_of(Bfloat16 value) { return value; }
template <class Source>
void convert(Source value, Bfloat16& out) {
  out = bfloat16_of(value);
}

/// A row of a panel of float32; of bfloat16, two rows, element by element side by side.
template <class Source>
void pack_row(const Source* row, int64_t columns, float* out) {
  for (int64_t c = 0; c < columns; ++c) {
    convert(row[c], out[c]);
  }
}
template <class Source>
void pack_pair(const Source* even, const Source* odd, int64_t columns, Bfloat16* out) {
  BRT_INDEPENDENT_ITERATIONS
  for (int64_t c = 0; c < columns; ++c) {
    out[2 * c].bits = bfloat16_of(even[c]).bits;  // g++ vectorises no copies of structures
    out[2 * c + 1].bits = bfloat16_of(odd[c]).bits;
  }
}

template <class Source, class T>
void pack_rows_of(const PackArgs<Source, T>& args, int64_t begin, int64_t end) {
  const int64_t size = panel_size(args.depth, static_cast<const T*>(nullptr));
  for (int64_t p = begin; p < end; ++p) {
    T* panel = args.panels + p * size;
    const int64_t columns = smaller(kPanelColumns, args.columns - p * kPanelColumns);
    if (columns < kPanelColumns || size != args.depth * kPanelColumns) {
      __builtin_memset(panel, 0, static_cast<size_t>(size) * sizeof(T));
    }
    const Source* source = args.source + p * kPanelColumns;
    if constexpr (sizeof(T) == sizeof(float)) {
      for (int64_t k = 0; k < args.depth; ++k) {
        pack_row(source + k * args.source_stride, columns, panel + k * kPanelColumns);
      }
    } else {
      for (int64_t k = 0; k + 1 < args.depth; k += 2) {
        const Source* even = source + k * args.source_stride;
        pack_pair(even, even + args.source_stride, columns, panel + k * kPanelColumns);
      }
      for (int64_t c = 0; c < columns && args.depth % 2 == 1; ++c) {
        const int64_t k = args.depth - 1;
        convert(source[k * args.source_stride + c], panel[panel_index(k, c, panel)]);
      }
    }
  }
}

template <class Source, class T>
void pack_columns_of(const PackArgs<Source, T>& args, int64_t begin, int64_t end) {
  constexpr int64_t kTileDepth = 32;  // 64 lines of one source cache line each
  const int64_t size = panel_size(args.depth, static_cast<const T*>(nullptr));
  for (int64_t p = begin; p < end; ++p) {
    T* panel = args.panels + p * size;
    const int64_t columns = smaller(kPanelColumns, args.columns - p * kPanelColumns);
    if (columns < kPanelColumns || size != args.depth * kPanelColumns) {
      __builtin_memset(panel, 0, static_cast<size_t>(size) * sizeof(T));
    }
    const Source* source = args.source + p * kPanelColumns * args.source_stride;
    for (int64_t from = 0; from < args.depth; from += kTileDepth) {
      const int64_t to = smaller(from + kTileDepth, args.depth);
      for (int64_t c = 0; c < columns; ++c) {
        for (int64_t k = from; k < to; ++k) {
          convert(source[c * args.source_stride + k], panel[panel_index(k, c, panel)]);
        }
      }
    }
  }
}

template <class T>
void transpose_of(const TransposeArgs<T>& args) {
  constexpr int64_t kTile = 32;
  for (int64_t row = 0; row < args.rows; row += kTile) {
    const int64_t last_row = smaller(row + kTile, args.rows);
    for (int64_t column = args.column_begin; column < args.column_end; column += kTile) {
      const int64_t last_column = smaller(column + kTile, args.column_end);
      for (int64_t c = column; c < last_column; ++c) {
        for (int64_t r = row; r < last_row; ++r) {
          args.out[(c - args.column_begin) * args.out_stride + r] =
              args.source[r * args.source_stride + c];
        }
      }
    }
  }
}

/// Puts these functions into a table.
template <class T>
constexpr void set_packing(TypedKernels<T>& kernels) {
  kernels.pack_rows = pack_rows_of<T, T>;
  kernels.pack_columns = pack_columns_of<T, T>;
  kernels.pack_rounded_rows = pack_rows_of<float, T>;
  kernels.pack_rounded_columns = pack_columns_of<float, T>;
  kernels.transpose = transpose_of<T>;
}

}  // namespace
}  // namespace brt::kernels
