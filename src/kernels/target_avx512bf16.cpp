// SPDX-License-Identifier: Apache-2.0
// Those for AVX-512 with products of bytes; what has operands of bfloat16 uses the CPU's own
// products and rounding.
#include "kernels/kernel_table.h"
#include "kernels/matmul_avx512bf16-inl.h"
#include "kernels/panels_avx512-inl.h"
#include "kernels/vector_avx512-inl.h"
#include "kernels/vector_kernels-inl.h"

namespace brt::kernels {

const KernelTable& kernels_avx512bf16() {
  static const KernelTable all = [] {
    KernelTable table = kernels_avx512vnni();
    table.of_bfloat16 = typed_kernels<Avx512Vector, Bfloat16>();
    table.of_bfloat16.matmul = matmul_by<Avx512Bf16Micro, Bfloat16>;
    set_packing(table.of_bfloat16);
    return table;
  }();
  return all;
}

}  // namespace brt::kernels
