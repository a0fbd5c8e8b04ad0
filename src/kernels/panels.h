// SPDX-License-Identifier: Apache-2.0
// The packed form of a matrix product's right operand.
#pragma once

#include <cstdint>

#include "kernels/bfloat16.h"

namespace brt::kernels {

/// A matrix [depth, columns] is packed as panels of 64 columns, one after another. Within a panel
/// of float32, each of the depth's rows holds its 64 columns; of bfloat16, each pair of rows holds
/// 64 pairs (the element of the even row first). What lies outside of the matrix is zero.
constexpr int64_t kPanelColumns = 64;

constexpr int64_t num_panels(int64_t columns) {
  return (columns + kPanelColumns - 1) / kPanelColumns;
}
/// Elements of one panel.
constexpr int64_t panel_size(int64_t depth, const float* /*type*/) { return depth * kPanelColumns; }
constexpr int64_t panel_size(int64_t depth, const Bfloat16* /*type*/) {
  return (depth + 1) / 2 * 2 * kPanelColumns;
}

/// The index of element [k, column] within its panel, column counted within the panel.
constexpr int64_t panel_index(int64_t k, int64_t column, const float* /*type*/) {
  return k * kPanelColumns + column;
}
constexpr int64_t panel_index(int64_t k, int64_t column, const Bfloat16* /*type*/) {
  return k / 2 * 2 * kPanelColumns + 2 * column + k % 2;
}

/// A matrix in memory and the panels made of it.
template <class Source, class T>
struct PackArgs {
  const Source* source = nullptr;
  int64_t source_stride = 0;  ///< elements from one row to the next
  T* panels = nullptr;        ///< num_panels(columns) * panel_size(depth) elements
  int64_t depth = 0;
  int64_t columns = 0;
};

/// Packs panels [begin, end) of source [depth, columns].
void pack_rows(const PackArgs<float, float>& args, int64_t begin, int64_t end);
void pack_rows(const PackArgs<float, Bfloat16>& args, int64_t begin, int64_t end);
void pack_rows(const PackArgs<Bfloat16, Bfloat16>& args, int64_t begin, int64_t end);

/// Packs rows [first, first + count) of the source's into all panels, read as they lie in memory;
/// `first` even.
void pack_row_range(const PackArgs<float, float>& args, int64_t first, int64_t count);
void pack_row_range(const PackArgs<Bfloat16, Bfloat16>& args, int64_t first, int64_t count);

/// Packs panels [begin, end) of the transpose of source [columns, depth].
void pack_columns(const PackArgs<float, float>& args, int64_t begin, int64_t end);
void pack_columns(const PackArgs<float, Bfloat16>& args, int64_t begin, int64_t end);
void pack_columns(const PackArgs<Bfloat16, Bfloat16>& args, int64_t begin, int64_t end);

/// out[c, r] = source[r, c] for rows [0, rows) and columns [column_begin, column_end); row
/// column_begin of the result is out's first.
template <class T>
struct TransposeArgs {
  const T* source = nullptr;
  int64_t source_stride = 0;
  T* out = nullptr;
  int64_t out_stride = 0;
  int64_t rows = 0;
  int64_t column_begin = 0;
  int64_t column_end = 0;
};
void transpose(const TransposeArgs<float>& args);
void transpose(const TransposeArgs<Bfloat16>& args);

}  // namespace brt::kernels
