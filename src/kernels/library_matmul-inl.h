// SPDX-License-Identifier: Apache-2.0
// The blocked matrix product (kernels/matmul-inl.h) of a library's products, a panel each. bfloat16
// is widened to float32 on the way, as in kernels/matmul_widened-inl.h.
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/library_products.h"
#include "kernels/matmul-inl.h"
#include "kernels/matmul_widened-inl.h"
#include "kernels/thread_scratch.h"

namespace brt::kernels {
namespace {

/// A whole panel of bfloat16 as float32 [depth, 64].
template <class Vector>
void widen_whole_panel(const Bfloat16* panel, int64_t depth, float* right) {
  for (int64_t k = 0; k < depth; k += 2) {
    for (int64_t column = 0; column < kPanelColumns; column += kVectorColumns) {
      typename Vector::Type even;
      typename Vector::Type odd;
      Vector::load_pairs(panel + k * kPanelColumns + 2 * column, even, odd);
      Vector::store(right + k * kPanelColumns + column, even);
      Vector::store(right + (k + 1) * kPanelColumns + column, odd);
    }
  }
}

/// The product of float32, whose operands are taken as they lie.
template <class Vector>
void library_matmul(const MatmulArgs<float>& args, LibraryProduct product) {
  blocked_matmul(
      args, [&](const Left<float>& left, const float* panel, int64_t depth, const Bands& /*bands*/,
                float* out, int64_t out_stride, int64_t rows, bool accumulate) {
        product({left.data, left.row_stride, left.depth_stride, panel, kPanelColumns, out,
                 out_stride, rows, kPanelColumns, depth, accumulate});
      });
}

/// Of bfloat16: rows of the left operand are widened once for all panels, each panel once for the
/// rows of a chunk.
template <class Vector>
void library_matmul(const MatmulArgs<Bfloat16>& args, LibraryProduct product) {
  const int64_t depth = (args.depth + 1) / 2 * 2;
  const int64_t elements = (kChunkRows + kPanelColumns) * depth;
  float* wide_left =
      reinterpret_cast<float*>(thread_scratch(elements * static_cast<int64_t>(sizeof(float))));
  float* wide_panel = wide_left + kChunkRows * depth;
  blocked_matmul(
      args,
      [&](const Left<Bfloat16>& /*left*/, const Bfloat16* panel, int64_t /*depth*/,
          const Bands& /*bands*/, float* out, int64_t out_stride, int64_t rows, bool accumulate) {
        widen_whole_panel<Vector>(panel, depth, wide_panel);
        product({wide_left, depth, 1, wide_panel, kPanelColumns, out, out_stride, rows,
                 kPanelColumns, args.depth, accumulate});
      },
      kChunkRows,
      [&](const Left<Bfloat16>& left, int64_t rows) {
        if (args.left_form == LeftForm::kRows) {
          widen_rows<Vector>(left, rows, args.depth, wide_left, depth);
          return;
        }
        for (int64_t row = 0; row < rows; ++row) {
          for (int64_t k = 0; k < args.depth; ++k) {
            wide_left[row * depth + k] = to_float(left.at(row, k));
          }
        }
      });
}

}  // namespace
}  // namespace brt::kernels
