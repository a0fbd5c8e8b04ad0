// SPDX-License-Identifier: Apache-2.0
// Those for AVX2, with AVX-VNNI's products of bytes.
#include "kernels/int8_matmul_avx2-inl.h"
#include "kernels/kernel_table.h"

namespace brt::kernels {

const KernelTable& kernels_avx2vnni() {
  static const KernelTable all = [] {
    KernelTable table = kernels_avx2();
    table.matmul_int8 = blocked_matmul_int8<Avx2Int8Micro>;
    return table;
  }();
  return all;
}

}  // namespace brt::kernels
