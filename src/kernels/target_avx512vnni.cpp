// SPDX-License-Identifier: Apache-2.0
// Those for AVX-512, with products of bytes.
#include "kernels/int8_matmul_avx512vnni-inl.h"
#include "kernels/kernel_table.h"

namespace brt::kernels {

const KernelTable& kernels_avx512vnni() {
  static const KernelTable all = [] {
    KernelTable table = kernels_avx512();
    table.matmul_int8 = blocked_matmul_int8<Avx512VnniMicro>;
    return table;
  }();
  return all;
}

}  // namespace brt::kernels
