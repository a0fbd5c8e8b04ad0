// SPDX-License-Identifier: Apache-2.0
// The blocked matrix product for vector types of few registers (kernels/lane_vector-inl.h), whose
// sums are 16 columns wide, a quarter of a panel. Operands are copied on the way, as float32: the
// left one once for all panels, 16 columns of the panel once for all rows. The copies lie so that
// L1 holds what is used over and over (of a panel, every fourth line would share a quarter of its
// sets), and bfloat16 costs no more than float32.
#pragma once

#include <cstdint>
#include <cstring>

#include "kernels/for_vectors-inl.h"
#include "kernels/matmul-inl.h"
#include "kernels/matmul_vectors-inl.h"
#include "kernels/thread_scratch.h"

namespace brt::kernels {
namespace {

constexpr int64_t kWidenedDepth = 256;  // 16 columns of it: 16 KiB
constexpr int64_t kWidenedLeftBytes = int64_t{1}
                                      << 21;  // a stretch of 96 rows, 96 KiB, stays in L2
constexpr int64_t kRowPad = 16;               // rows of a power of two would share sets of L1

/// Some columns of a panel as [depth, 16].
template <class Vector>
void widen_columns(const float* panel, int64_t depth, float* right) {
  for (int64_t k = 0; k < depth; ++k) {
    Vector::store(right + k * kVectorColumns, Vector::load(panel + k * kPanelColumns));
  }
}
template <class Vector>
void widen_columns(const Bfloat16* panel, int64_t depth, float* right) {
  for (int64_t k = 0; k < depth; k += 2) {  // of an odd depth the panel's last row is zero
    typename Vector::Type even;
    typename Vector::Type odd;
    Vector::load_pairs(panel + k * kPanelColumns, even, odd);
    Vector::store(right + k * kVectorColumns, even);
    Vector::store(right + (k + 1) * kVectorColumns, odd);
  }
}

/// Rows of a product whose left operand has been widened, in groups of kMaxRows. Element [r, k] of
/// a group is group[r * row_stride + k * depth_stride].
struct WidenedLeft {
  float* data;
  int64_t group_stride;
  int64_t row_stride;
  int64_t depth_stride;
};

/// Of a left operand [rows, depth], row by row.
template <class Vector, class T>
void widen_rows(const Left<T>& left, int64_t rows, int64_t depth, float* out, int64_t stride) {
  for (int64_t row = 0; row < rows; ++row) {
    const T* from = left.data + row * left.row_stride;
    float* to = out + row * stride;
    for_vectors<Vector>(depth, [&](int64_t k, typename Vector::Mask mask) {
      Vector::store(to + k, Vector::load(from + k, mask), mask);
    });
  }
}

/// Of its transpose [depth, rows], row by row: the rows of a group side by side.
template <class Vector, class T>
void widen_transposed(const Left<T>& left, int64_t rows, int64_t depth, const WidenedLeft& out) {
  constexpr int64_t kGroup = VectorMicro<Vector>::kMaxRows;
  // As many as registers hold; what is too much is overwritten, or lies in the padding.
  constexpr int64_t kCopied = kGroup <= 4 ? 4 : 8;
  static_assert(kGroup <= kCopied && kCopied <= kGroup + kRowPad);
  for (int64_t k = 0; k < depth; ++k) {
    const T* from = left.data + k * left.depth_stride;
    float* to = out.data + k * out.depth_stride;
    int64_t row = 0;
    for (; row + kCopied <= rows; row += kGroup, to += out.group_stride) {
      for (int64_t i = 0; i < kCopied; ++i) {
        to[i] = to_float(from[row + i]);
      }
    }
    for (; row < rows; row += kGroup, to += out.group_stride) {
      for (int64_t i = 0; i < smaller(kGroup, rows - row); ++i) {
        to[i] = to_float(from[row + i]);
      }
    }
  }
}

/// out [kRows, 16] (+)= left [kRows, depth] right [depth, 16]
template <class Vector, int kRows, bool kTransposed>
void row_products(const WidenedLeft& left,
                  const float* right,
                  int64_t depth,
                  float* out,
                  int64_t out_stride,
                  bool accumulate) {
  const int64_t row_stride = kTransposed ? 1 : left.row_stride;
  const int64_t depth_stride = kTransposed ? VectorMicro<Vector>::kMaxRows : 1;
  PanelSums<Vector, kRows, 1> sums;
  sums.load(out, out_stride, accumulate);
  for (int64_t k = 0; k < depth; ++k) {
    const typename Vector::Type columns[1] = {Vector::load(right + k * kVectorColumns)};
    sums.add([&](int row) { return left.data[row * row_stride + k * depth_stride]; }, columns);
  }
  sums.store(out, out_stride);
}

/// As row_products, of so many rows, at most kRows.
template <class Vector, int kRows, bool kTransposed>
void last_row_products(const WidenedLeft& left,
                       const float* right,
                       int64_t depth,
                       float* out,
                       int64_t out_stride,
                       int64_t rows,
                       bool accumulate) {
  if (rows == kRows) {
    row_products<Vector, kRows, kTransposed>(left, right, depth, out, out_stride, accumulate);
  } else if constexpr (kRows > 1) {
    last_row_products<Vector, kRows - 1, kTransposed>(left, right, depth, out, out_stride, rows,
                                                      accumulate);
  }
}

/// out [rows, 64] (+)= left [rows, depth] panel [depth, 64]
template <class Vector, bool kTransposed, class T>
void widened_panel_product(const WidenedLeft& left,
                           int64_t rows,
                           const T* panel,
                           int64_t depth,
                           const Bands& bands,
                           float* out,
                           int64_t out_stride,
                           bool accumulate) {
  constexpr int64_t kMaxRows = VectorMicro<Vector>::kMaxRows;
  alignas(64) float right[kWidenedDepth * kVectorColumns];
  for (int64_t from = 0; from < depth || from == 0; from += kWidenedDepth) {
    const int64_t to = smaller(from + kWidenedDepth, depth);
    const bool add = accumulate || from > 0;
    for (int64_t column = 0; column < bands.width; column += kVectorColumns) {
      const T* columns = panel + from * kPanelColumns + panel_index(0, column, panel);
      widen_columns<Vector>(columns, to - from, right);
      for (int64_t row = 0; row < rows; row += kMaxRows) {
        const int64_t group = smaller(kMaxRows, rows - row);
        const int64_t last = row + group - 1;
        // Where some row of the group may differ from zero, in whole pairs; what it wants.
        const int64_t begin = larger(from, (row + bands.depth.begin) / 2 * 2);
        const int64_t end = smaller(to, (last + bands.depth.end + 1) / 2 * 2);
        if ((end <= begin && add) || last + bands.columns.end <= column ||
            row + bands.columns.begin >= column + kVectorColumns) {
          continue;
        }
        const int64_t step = larger(end - begin, 0);
        const int64_t k = step > 0 ? begin : from;
        WidenedLeft part = left;
        part.data += row / kMaxRows * left.group_stride + k * left.depth_stride;
        last_row_products<Vector, kMaxRows, kTransposed>(part, right + (k - from) * kVectorColumns,
                                                         step, out + row * out_stride + column,
                                                         out_stride, group, add);
      }
    }
  }
}

/// The product in chunks of rows whose left operand `widen` puts into `left`.
template <class Vector, bool kTransposed, class T, class Widen>
void widened_chunks(const MatmulArgs<T>& args,
                    const WidenedLeft& left,
                    int64_t chunk,
                    const Widen& widen) {
  blocked_matmul(
      args,
      [&](const Left<T>& /*left*/, const T* panel, int64_t depth, const Bands& bands, float* out,
          int64_t out_stride, int64_t rows, bool accumulate) {
        widened_panel_product<Vector, kTransposed>(left, rows, panel, depth, bands, out, out_stride,
                                                   accumulate);
      },
      chunk, widen);
}

/// Memory of the thread for a chunk of widened rows, and how many these are.
struct WidenedChunk {
  float* memory;
  int64_t stride;  ///< of a row
  int64_t rows;
};
template <class Vector>
WidenedChunk widened_chunk(int64_t depth) {
  constexpr int64_t kMaxRows = VectorMicro<Vector>::kMaxRows;
  const int64_t stride = (depth + 2 * kRowPad - 1) / kRowPad * kRowPad;
  const int64_t row_bytes = stride * static_cast<int64_t>(sizeof(float));
  const int64_t fitting = kWidenedLeftBytes / row_bytes / kMaxRows * kMaxRows;
  const int64_t rows = smaller(larger(fitting, kMaxRows), kChunkRows / kMaxRows * kMaxRows);
  return {reinterpret_cast<float*>(thread_scratch((rows + kMaxRows) * row_bytes)), stride, rows};
}

template <class Vector, class T>
void widened_matmul(const MatmulArgs<T>& args) {
  // Of one row each line of the panels is read once, in order; a left panel's lines share no set.
  if (args.rows == 1 || args.left_form == LeftForm::kPanel) {
    blocked_matmul(args, panel_product<VectorMicro<Vector>, T>);
    return;
  }
  const WidenedChunk chunk = widened_chunk<Vector>(args.depth);
  const WidenedLeft left{chunk.memory, VectorMicro<Vector>::kMaxRows * chunk.stride, chunk.stride,
                         1};
  widened_chunks<Vector, false>(args, left, chunk.rows, [&](const Left<T>& from, int64_t rows) {
    widen_rows<Vector>(from, rows, args.depth, chunk.memory, chunk.stride);
  });
}

template <class Vector, class T>
bool widened_transposed_matmul(const MatmulArgs<T>& args) {
  constexpr int64_t kMaxRows = VectorMicro<Vector>::kMaxRows;
  const WidenedChunk chunk = widened_chunk<Vector>(args.depth);
  const WidenedLeft left{chunk.memory, kMaxRows * chunk.stride, 1, kMaxRows};
  widened_chunks<Vector, true>(args, left, chunk.rows, [&](const Left<T>& from, int64_t rows) {
    widen_transposed<Vector>(from, rows, args.depth, left);
  });
  return true;
}

}  // namespace
}  // namespace brt::kernels
