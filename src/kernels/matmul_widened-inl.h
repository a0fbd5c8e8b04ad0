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

/// Of a left operand that lies as a panel, [depth, rows]: the rows of a group side by side.
template <class Vector, class T>
void widen_panel(const Left<T>& left, int64_t rows, int64_t depth, const WidenedLeft& out) {
  constexpr int64_t kStep = Left<T>::steps_of(static_cast<const T*>(nullptr));
  constexpr int64_t kGroup = VectorMicro<Vector>::kMaxRows;
  // A panel has room for 64 rows in each element of the depth; a last group may reach beyond.
  float across[kStep][kPanelColumns + kGroup] = {};
  for (int64_t k = 0; k < depth; k += kStep) {
    const T* from = left.data + k / kStep * left.depth_stride;
    for (int64_t column = 0; column < kPanelColumns; column += kVectorColumns) {
      if constexpr (kStep == 1) {
        Vector::store(across[0] + column, Vector::load(from + column));
      } else {
        typename Vector::Type even;
        typename Vector::Type odd;
        Vector::load_pairs(from + 2 * column, even, odd);
        Vector::store(across[0] + column, even);
        Vector::store(across[1] + column, odd);
      }
    }
    for (int64_t i = 0; i < smaller(kStep, depth - k); ++i) {
      float* to = out.data + (k + i) * out.depth_stride;
      for (int64_t row = 0; row < rows; row += kGroup, to += out.group_stride) {
        std::memcpy(to, across[i] + row, kGroup * sizeof(float));
      }
    }
  }
}

/// out [kRows, 16] (+)= left [kRows, depth] right [depth, 16]
template <class Vector, int kRows, bool kFromPanel>
void row_products(const WidenedLeft& left,
                  const float* right,
                  int64_t depth,
                  float* out,
                  int64_t out_stride,
                  bool accumulate) {
  const int64_t row_stride = kFromPanel ? 1 : left.row_stride;
  const int64_t depth_stride = kFromPanel ? VectorMicro<Vector>::kMaxRows : 1;
  PanelSums<Vector, kRows, 1> sums;
  sums.load(out, out_stride, accumulate);
  for (int64_t k = 0; k < depth; ++k) {
    const typename Vector::Type columns[1] = {Vector::load(right + k * kVectorColumns)};
    sums.add([&](int row) { return left.data[row * row_stride + k * depth_stride]; }, columns);
  }
  sums.store(out, out_stride);
}

/// As row_products, of so many rows, at most kRows.
template <class Vector, int kRows, bool kFromPanel>
void last_row_products(const WidenedLeft& left,
                       const float* right,
                       int64_t depth,
                       float* out,
                       int64_t out_stride,
                       int64_t rows,
                       bool accumulate) {
  if (rows == kRows) {
    row_products<Vector, kRows, kFromPanel>(left, right, depth, out, out_stride, accumulate);
  } else if constexpr (kRows > 1) {
    last_row_products<Vector, kRows - 1, kFromPanel>(left, right, depth, out, out_stride, rows,
                                                     accumulate);
  }
}

/// out [rows, 64] (+)= left [rows, depth] panel [depth, 64]
template <class Vector, bool kFromPanel, class T>
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
    for (int64_t column = 0; column < kPanelColumns; column += kVectorColumns) {
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
        last_row_products<Vector, kMaxRows, kFromPanel>(part, right + (k - from) * kVectorColumns,
                                                        step, out + row * out_stride + column,
                                                        out_stride, group, add);
      }
    }
  }
}

/// The product in chunks of rows whose left operand `widen` puts into `left`.
template <class Vector, bool kFromPanel, class T, class Widen>
void widened_chunks(const MatmulArgs<T>& args,
                    const WidenedLeft& left,
                    int64_t chunk,
                    const Widen& widen) {
  blocked_matmul(
      args,
      [&](const Left<T>& /*left*/, const T* panel, int64_t depth, const Bands& bands, float* out,
          int64_t out_stride, int64_t rows, bool accumulate) {
        widened_panel_product<Vector, kFromPanel>(left, rows, panel, depth, bands, out, out_stride,
                                                  accumulate);
      },
      chunk, widen);
}

template <class Vector, class T>
void widened_matmul(const MatmulArgs<T>& args) {
  if (args.rows == 1) {  // each line of the panels is read once, in order
    blocked_matmul(args, panel_product<VectorMicro<Vector>, T>);
    return;
  }
  constexpr int64_t kMaxRows = VectorMicro<Vector>::kMaxRows;
  const int64_t stride = (args.depth + 2 * kRowPad - 1) / kRowPad * kRowPad;
  const int64_t row_bytes = stride * static_cast<int64_t>(sizeof(float));
  // A panel's rows, 64 at most, are always taken together.
  const int64_t fitting = args.left_form == LeftForm::kPanel
                              ? kChunkRows
                              : kWidenedLeftBytes / row_bytes / kMaxRows * kMaxRows;
  const int64_t chunk = smaller(larger(fitting, kMaxRows), kChunkRows / kMaxRows * kMaxRows);
  float* memory = reinterpret_cast<float*>(thread_scratch((chunk + kMaxRows) * row_bytes));
  if (args.left_form == LeftForm::kPanel) {
    const WidenedLeft left{memory, kMaxRows * stride, 1, kMaxRows};
    widened_chunks<Vector, true>(args, left, chunk, [&](const Left<T>& from, int64_t rows) {
      widen_panel<Vector>(from, rows, args.depth, left);
    });
  } else {
    const WidenedLeft left{memory, kMaxRows * stride, stride, 1};
    widened_chunks<Vector, false>(args, left, chunk, [&](const Left<T>& from, int64_t rows) {
      widen_rows<Vector>(from, rows, args.depth, memory, stride);
    });
  }
}

}  // namespace
}  // namespace brt::kernels
