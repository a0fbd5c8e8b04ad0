// SPDX-License-Identifier: Apache-2.0
// The choice of the matrix product's target.
#include "kernels/matmul.h"

#include <algorithm>

#include "kernels/cpu_target.h"
#include "kernels/matmul_targets.h"
#include "kernels/thread_scratch.h"

namespace brt::kernels {
namespace {

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
    const bool is_narrow =
        args.output == MatmulOutput::kStore || args.output == MatmulOutput::kStoreRelu;
    const int64_t offset = row * args.out_stride;
    part.out = static_cast<char*>(args.out) +
               offset * static_cast<int64_t>(is_narrow ? sizeof(T) : sizeof(float));
    part.addend = args.addend != nullptr ? args.addend + offset : nullptr;
    part.mask = args.mask != nullptr ? args.mask + offset : nullptr;
    part.depth_band = {args.depth_band.begin + row, args.depth_band.end + row};
    part.column_band = {args.column_band.begin + row, args.column_band.end + row};
    matmul(part);
  }
}

}  // namespace

void transposed_matmul(const MatmulArgs<float>& args, float* scratch) {
  multiply_panels(args, scratch);
}

void transposed_matmul(const MatmulArgs<Bfloat16>& args, Bfloat16* scratch) {
#if defined(__x86_64__)
  if (cpu_target() >= CpuTarget::kAmx &&
      transposed_matmul_amx(args, thread_scratch(kAmxScratchBytes))) {
    return;
  }
#endif
  multiply_panels(args, scratch);
}

int64_t matmul_part_rows() {
  // With tiles what is read must be used for some hundred multiply-adds (L3 gives 28 GB/s a core,
  // the tiles take 3 TFLOP/s); else 2048 bfloat16 wide rows fit half of a small L2: 384 KiB.
  return cpu_target() >= CpuTarget::kAmx ? 256 : 96;
}
void matmul(const MatmulArgs<float>& args) {
#if defined(__x86_64__)
  if (cpu_target() >= CpuTarget::kAvx512) {
    matmul_avx512(args);
    return;
  }
#endif
  matmul_scalar(args);
}

void matmul(const MatmulArgs<Bfloat16>& args) {
#if defined(__x86_64__)
  if (cpu_target() >= CpuTarget::kAmx) {
    matmul_amx(args, thread_scratch(kAmxScratchBytes));
    return;
  }
  if (cpu_target() >= CpuTarget::kAvx512Bf16) {
    matmul_avx512bf16(args);
    return;
  }
  if (cpu_target() >= CpuTarget::kAvx512) {
    matmul_avx512(args);
    return;
  }
#endif
  matmul_scalar(args);
}

}  // namespace brt::kernels
