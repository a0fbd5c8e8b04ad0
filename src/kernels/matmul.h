// SPDX-License-Identifier: Apache-2.0
// Matrix products with a packed right operand.
#pragma once

#include <cstdint>

#include "kernels/bfloat16.h"
#include "kernels/panels.h"

namespace brt::kernels {

/// What becomes of the float32 sums.
enum class MatmulOutput {
  kStore,       ///< out = sum, in the type of the operands
  kStoreRelu,   ///< out = max(sum, 0), in the type of the operands
  kStoreFloat,  ///< out = sum, float32
  kAddFloat,    ///< out += sum, float32
  kStoreSum,    ///< out = addend + sum, float32
};

/// Whether out is float32, else in the type of the operands.
constexpr bool stores_float32(MatmulOutput output) {
  return output != MatmulOutput::kStore && output != MatmulOutput::kStoreRelu;
}

/// Of products over parts of a depth, each must begin at a multiple of this for the same bits as
/// that over more of it with zeros.
constexpr int64_t kMatmulDepthUnit = 32;

/// How the left operand lies in memory.
enum class LeftForm {
  kRows,        ///< as [rows, depth], row by row
  kPanel,       ///< its transpose [depth, rows] as one panel (kernels/panels.h): at most 64 rows
  kTransposed,  ///< its transpose [depth, rows], row by row: of transposed_matmul only
};

/// Of row r, the elements [r + begin, r + end).
struct Band {
  int64_t begin = -kEverywhere;
  int64_t end = kEverywhere;

  static constexpr int64_t kEverywhere = int64_t{1} << 40;
};

/// out[r, c] = sum_k left[r, k] right[k, c]
///
/// Each output is summed in float32 over k in ascending order, whatever the other rows and columns
/// of the call, so results do not depend on how a product is divided among calls or threads. Where
/// the CPU does so, pairs of bfloat16 products are joined first (kAvx512Bf16), or the even and the
/// odd ones of each kMatmulDepthUnit (kAmx).
template <class T>
struct MatmulArgs {
  const T* left = nullptr;    ///< [rows, depth], in the form left_form
  int64_t left_stride = 0;    ///< elements from row to row of that form; not of a panel
  const T* panels = nullptr;  ///< right [depth, columns], packed: kernels/panels.h
  void* out = nullptr;        ///< [rows, columns]; must not overlap the operands
  int64_t out_stride = 0;     ///< elements of out's type from row to row
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t depth = 0;
  MatmulOutput output = MatmulOutput::kStore;
  LeftForm left_form = LeftForm::kRows;
  Band depth_band = {};   ///< outside of it the left operand is zero, which may be skipped
  Band column_band = {};  ///< what is wanted of kStoreFloat; the rest of out may be left as it was
  const float* addend = nullptr;  ///< for kStoreSum; laid out as out, which it must not overlap
  const T* mask =
      nullptr;  ///< of kStore, or null: out is zero where this, laid out as out, is zero
  /// What is read after this call, or null: products of few rows bring its start into the caches.
  const void* next_panels = nullptr;
};

void matmul(const MatmulArgs<float>& args);
void matmul(const MatmulArgs<Bfloat16>& args);

/// The same with a left operand in the form kTransposed. @param scratch  panel_size(depth) elements
void transposed_matmul(const MatmulArgs<float>& args, float* scratch);
void transposed_matmul(const MatmulArgs<Bfloat16>& args, Bfloat16* scratch);

/// A part of a product with so many rows uses what it reads of the right operand, which may come
/// from L3 or beyond, often enough to keep the target's units busy.
int64_t matmul_part_rows();

}  // namespace brt::kernels
