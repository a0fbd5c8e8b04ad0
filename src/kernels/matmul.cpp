// SPDX-License-Identifier: Apache-2.0
// The choice of the matrix product's target.
#include "kernels/matmul.h"

#include <algorithm>

#include "base/check.h"
#include "kernels/argument_checks.h"
#include "kernels/cpu_target.h"
#include "kernels/kernel_table.h"

namespace brt::kernels {
namespace {

/// Of a product in any form of its left operand.
template <class T>
void check(const MatmulArgs<T>& args) {
  const bool is_empty = args.rows == 0 || args.columns == 0;
  BRT_ASSERT(args.rows >= 0 && args.columns >= 0 && args.depth >= 0);
  BRT_ASSERT(is_empty || is_array(args.panels, args.depth));
  BRT_ASSERT(
      stores_float32(args.output)
          ? is_matrix(static_cast<const float*>(args.out), args.rows, args.columns, args.out_stride)
          : is_matrix(static_cast<const T*>(args.out), args.rows, args.columns, args.out_stride));
  BRT_ASSERT(args.output != MatmulOutput::kStoreSum || is_empty || is_array(args.addend, 1));
  BRT_ASSERT(args.mask == nullptr ||
             (args.output == MatmulOutput::kStore && is_array(args.mask, 1)));
  switch (args.left_form) {
    case LeftForm::kRows:
      BRT_ASSERT(is_matrix(args.left, args.rows, args.depth, args.left_stride));
      break;
    case LeftForm::kPanel:
      BRT_ASSERT(args.rows <= kPanelColumns && is_array(args.left, args.depth));
      break;
    case LeftForm::kTransposed:
      BRT_ASSERT(is_matrix(args.left, args.depth, args.rows, args.left_stride));
      break;
  }
}

template <class T>
void check_transposed(const MatmulArgs<T>& args, const T* scratch) {
  check(args);
  BRT_ASSERT(args.left_form == LeftForm::kTransposed);
  BRT_ASSERT(args.rows == 0 || is_array(scratch, args.depth));
}

/// Of a product that takes no transposed left operand.
template <class T>
void check_straight(const MatmulArgs<T>& args) {
  check(args);
  BRT_ASSERT(args.left_form != LeftForm::kTransposed);
}

/// A panel of the transpose after the other.
template <class T>
void multiply_panels(const MatmulArgs<T>& args, T* scratch) {
  for (int64_t row = 0; row < args.rows; row += kPanelColumns) {
    MatmulArgs<T> part = args;
    part.rows = std::min(kPanelColumns, args.rows - row);
    const PackArgs<T, T> pack{args.left + row, args.left_stride, scratch, args.depth, part.rows};
    pack_rows(pack, 0, 1);
    part.left = scratch;
    part.left_form = LeftForm::kPanel;
    const int64_t offset = row * args.out_stride;
    part.out =
        static_cast<char*>(args.out) +
        offset * static_cast<int64_t>(stores_float32(args.output) ? sizeof(float) : sizeof(T));
    part.addend = args.addend != nullptr ? args.addend + offset : nullptr;
    part.mask = args.mask != nullptr ? args.mask + offset : nullptr;
    part.depth_band = {args.depth_band.begin + row, args.depth_band.end + row};
    part.column_band = {args.column_band.begin + row, args.column_band.end + row};
    matmul(part);
  }
}

template <class T>
void multiply_transposed(const MatmulArgs<T>& args, T* scratch) {
  check_transposed(args, scratch);
  const auto transposed = kernels_of<T>().transposed_matmul;
  if (transposed == nullptr || !transposed(args)) {
    multiply_panels(args, scratch);
  }
}

}  // namespace

void transposed_matmul(const MatmulArgs<float>& args, float* scratch) {
  multiply_transposed(args, scratch);
}
void transposed_matmul(const MatmulArgs<Bfloat16>& args, Bfloat16* scratch) {
  multiply_transposed(args, scratch);
}

int64_t matmul_part_rows() {
  // With tiles what is read must be used for some hundred multiply-adds (L3 gives 28 GB/s a core,
  // the tiles take 3 TFLOP/s); else 2048 bfloat16 wide rows fit half of a small L2: 384 KiB.
  return cpu_target() >= CpuTarget::kAmx ? 256 : 96;
}

void matmul(const MatmulArgs<float>& args) {
  check_straight(args);
  kernel_table().of_float.matmul(args);
}

void matmul(const MatmulArgs<Bfloat16>& args) {
  check_straight(args);
  kernel_table().of_bfloat16.matmul(args);
}

}  // namespace brt::kernels
