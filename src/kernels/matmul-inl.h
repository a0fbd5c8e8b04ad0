// SPDX-License-Identifier: Apache-2.0
// The blocked matrix product, written once over a micro-kernel that each target file supplies:
//
//   struct Micro {
//     static constexpr int kMaxRows;
//     static constexpr int kGroupVectors;  // of columns that so many rows take at once
//     template <int kRows, int kVectors>  // out [kRows, C] (+)= left [kRows, depth] panel [depth,
//     C] static void product(const Left<T>& left, const T* panel, int64_t depth, float* out,
//                         int64_t out_stride, bool accumulate);  // C = 16 kVectors of 64 columns
//   };
//
// Loops, from the outside: rows in chunks whose left operand stays in L2; panels; stretches of the
// depth whose part of the panel stays near L1; groups of columns; groups of kMaxRows rows.
#pragma once

#include <cstdint>

#include "kernels/matmul.h"
#include "kernels/min_max-inl.h"

namespace brt::kernels {
namespace {

constexpr int64_t kChunkRows = 96;  // 2048 bfloat16 wide: 384 KiB
/// Of a panel: 32 KiB. A group of 16 columns is a line of every fourth 64 bytes, for which L1 has a
/// quarter of its sets: 128 lines fill them where there are 8 in a set.
template <class T>
constexpr int64_t kDepthStep = 512 / sizeof(T);
constexpr int64_t kVectorColumns = 16;
constexpr int kPanelVectors = 4;

/// What a panel's product may leave out: elements of the depth, and of the panel's columns; of
/// these, what lies behind the first `width`.
struct Bands {
  Band depth;
  Band columns;
  int64_t width = kPanelColumns;
};

/// Some rows of the left operand. Element [r, k] is data[r * row_stride + k * depth_stride] for
/// float32 and data[r * row_stride + k / 2 * depth_stride + k % 2] for bfloat16.
template <class T>
struct Left {
  const T* data;
  int64_t row_stride;
  int64_t depth_stride;

  /// From this row and element of the depth on; of bfloat16, from the even one.
  Left from(int64_t row, int64_t k) const {
    const int64_t steps = k / steps_of(data);
    return {data + row * row_stride + steps * depth_stride, row_stride, depth_stride};
  }
  T at(int64_t row, int64_t k) const { return from(row, k).data[k % steps_of(data)]; }
  static constexpr int64_t steps_of(const float* /*type*/) { return 1; }
  static constexpr int64_t steps_of(const Bfloat16* /*type*/) { return 2; }
};

/// Of a transposed one, `from` finds rows alone.
template <class T>
Left<T> left_of(const MatmulArgs<T>& args) {
  constexpr int64_t kStep = Left<T>::steps_of(static_cast<const T*>(nullptr));
  switch (args.left_form) {
    case LeftForm::kRows:
      return {args.left, args.left_stride, kStep};
    case LeftForm::kPanel:
      return {args.left, kStep, kStep * kPanelColumns};
    case LeftForm::kTransposed:
      break;
  }
  return {args.left, 1, args.left_stride};
}

/// Calls product<kRows, kVectors> for so many vectors of columns.
template <class Micro, int kRows, int kVectors, class T>
void some_columns(const Left<T>& left,
                  const T* panel,
                  int64_t depth,
                  float* out,
                  int64_t out_stride,
                  int64_t vectors,
                  bool accumulate) {
  if (vectors == kVectors) {
    Micro::template product<kRows, kVectors>(left, panel, depth, out, out_stride, accumulate);
  } else if constexpr (kVectors > 1) {
    some_columns<Micro, kRows, kVectors - 1>(left, panel, depth, out, out_stride, vectors,
                                             accumulate);
  }
}

/// Calls product<kRows, kVectors> for the number of rows that is left, at most kRows.
template <class Micro, int kRows, int kVectors, class T>
void last_rows(const Left<T>& left,
               const T* panel,
               int64_t depth,
               float* out,
               int64_t out_stride,
               int64_t rows,
               bool accumulate) {
  if (rows == kRows) {
    Micro::template product<kRows, kVectors>(left, panel, depth, out, out_stride, accumulate);
  } else if constexpr (kRows > 1) {
    last_rows<Micro, kRows - 1, kVectors>(left, panel, depth, out, out_stride, rows, accumulate);
  }
}

/// A stretch [from, from + kDepthStep) of the depth, as far as it goes, with the kVectors vectors
/// of columns from `column` on.
template <class Micro, int kVectors, class T>
void stretch_product(const Left<T>& left,
                     const T* panel,
                     int64_t from,
                     int64_t depth,
                     const Bands& bands,
                     int64_t column,
                     float* out,
                     int64_t out_stride,
                     int64_t rows,
                     bool accumulate) {
  constexpr int64_t kColumns = kVectors * kVectorColumns;
  for (int64_t row = 0; row < rows; row += Micro::kMaxRows) {
    const int64_t group = smaller(Micro::kMaxRows, rows - row);
    const int64_t last = row + group - 1;
    // The depths of the stretch at which some row of the group may differ from zero, in whole
    // pairs.
    const int64_t begin = larger(from, (row + bands.depth.begin) / 2 * 2);
    const int64_t end =
        smaller(smaller(from + kDepthStep<T>, depth), (last + bands.depth.end + 1) / 2 * 2);
    if (end <= begin && accumulate) {
      continue;
    }
    const int64_t step = larger(end - begin, 0);
    const int64_t k = step > 0 ? begin : 0;
    const Left<T> some_left = left.from(row, k);
    const T* part = panel + k * kPanelColumns;
    if (group < Micro::kMaxRows && group > 1) {
      last_rows<Micro, Micro::kMaxRows - 1, kVectors>(
          some_left, part + panel_index(0, column, part), step, out + row * out_stride + column,
          out_stride, group, accumulate);
      continue;
    }
    // The vectors of columns that some row of the group wants.
    const int64_t first = larger(row + bands.columns.begin, column) / kVectorColumns;
    const int64_t end_column = smaller(
        smaller(last + bands.columns.end, bands.width) + kVectorColumns - 1, column + kColumns);
    const int64_t behind = end_column / kVectorColumns;
    part += panel_index(0, first * kVectorColumns, part);
    float* row_out = out + row * out_stride + first * kVectorColumns;
    if (group == 1) {
      some_columns<Micro, 1, kVectors>(some_left, part, step, row_out, out_stride, behind - first,
                                       accumulate);
    } else {
      some_columns<Micro, Micro::kMaxRows, kVectors>(some_left, part, step, row_out, out_stride,
                                                     behind - first, accumulate);
    }
  }
}

/// out [rows, 64] (+)= left [rows, depth] panel [depth, 64]
template <class Micro, class T>
void panel_product(const Left<T>& left,
                   const T* panel,
                   int64_t depth,
                   const Bands& bands,
                   float* out,
                   int64_t out_stride,
                   int64_t rows,
                   bool accumulate) {
  for (int64_t from = 0; from < depth || from == 0; from += kDepthStep<T>) {
    const bool add = accumulate || from > 0;
    if (rows == 1) {  // each line of the panel is read once, in order
      stretch_product<Micro, kPanelVectors>(left, panel, from, depth, bands, 0, out, out_stride,
                                            rows, add);
      continue;
    }
    for (int64_t column = 0; column < bands.width;
         column += Micro::kGroupVectors * kVectorColumns) {
      stretch_product<Micro, Micro::kGroupVectors>(left, panel, from, depth, bands, column, out,
                                                   out_stride, rows, add);
    }
  }
}

/// One finished tile of sums into the output.
template <class T>
void write_tile(const float* sums,
                const MatmulArgs<T>& args,
                int64_t row,
                int64_t rows,
                int64_t column,
                int64_t columns) {
  for (int64_t r = 0; r < rows; ++r) {
    const float* sum = sums + r * kPanelColumns;
    const int64_t offset = (row + r) * args.out_stride + column;
    switch (args.output) {
      case MatmulOutput::kStore: {
        T* out = static_cast<T*>(args.out) + offset;
        if (args.mask != nullptr) {
          const T* mask = args.mask + offset;
          for (int64_t c = 0; c < columns; ++c) {
            from_float(to_float(mask[c]) == 0.0F ? 0.0F : sum[c], out[c]);
          }
          break;
        }
        for (int64_t c = 0; c < columns; ++c) {
          from_float(sum[c], out[c]);
        }
        break;
      }
      case MatmulOutput::kStoreRelu: {
        T* out = static_cast<T*>(args.out) + offset;
        for (int64_t c = 0; c < columns; ++c) {
          from_float(sum[c] < 0.0F ? 0.0F : sum[c], out[c]);  // a NaN stays one
        }
        break;
      }
      case MatmulOutput::kStoreFloat: {
        float* out = static_cast<float*>(args.out) + offset;
        for (int64_t c = 0; c < columns; ++c) {
          out[c] = sum[c];
        }
        break;
      }
      case MatmulOutput::kStoreSum: {
        float* out = static_cast<float*>(args.out) + offset;
        const float* addend = args.addend + offset;
        for (int64_t c = 0; c < columns; ++c) {
          out[c] = addend[c] + sum[c];
        }
        break;
      }
      case MatmulOutput::kAddFloat: {
        float* out = static_cast<float*>(args.out) + offset;
        for (int64_t c = 0; c < columns; ++c) {
          out[c] += sum[c];
        }
        break;
      }
    }
  }
}

/// The product in chunks of rows: prepare(left, rows) before each, then `multiply`, called as
/// panel_product is, for its panels. @param chunk  at most kChunkRows
template <class Multiply, class Prepare, class T>
void blocked_matmul(const MatmulArgs<T>& args,
                    const Multiply& multiply,
                    int64_t chunk,
                    const Prepare& prepare) {
  alignas(64) float sums[kChunkRows * kPanelColumns];
  const bool adds = args.output == MatmulOutput::kAddFloat;
  const bool in_place = adds || args.output == MatmulOutput::kStoreFloat;
  const int64_t size = panel_size(args.depth, static_cast<const T*>(nullptr));
  for (int64_t row = 0; row < args.rows; row += chunk) {
    const int64_t rows = smaller(chunk, args.rows - row);
    const Left<T> left = left_of(args).from(row, 0);
    prepare(left, rows);
    const Band depth_band{row + args.depth_band.begin, row + args.depth_band.end};
    for (int64_t column = 0; column < args.columns; column += kPanelColumns) {
      const int64_t columns = smaller(kPanelColumns, args.columns - column);
      const T* panel = args.panels + column / kPanelColumns * size;
      if (in_place && columns == kPanelColumns) {
        const Band column_band{row + args.column_band.begin - column,
                               row + args.column_band.end - column};
        multiply(left, panel, args.depth, Bands{depth_band, column_band},
                 static_cast<float*>(args.out) + row * args.out_stride + column, args.out_stride,
                 rows, /*accumulate=*/adds);
        continue;
      }
      multiply(left, panel, args.depth, Bands{depth_band, Band{}, columns}, sums, kPanelColumns,
               rows, /*accumulate=*/false);
      write_tile(sums, args, row, rows, column, columns);
    }
  }
}

/// The product with operands as they lie.
template <class Multiply, class T>
void blocked_matmul(const MatmulArgs<T>& args, const Multiply& multiply) {
  blocked_matmul(args, multiply, kChunkRows, [](const Left<T>& /*left*/, int64_t /*rows*/) {});
}

}  // namespace
}  // namespace brt::kernels
