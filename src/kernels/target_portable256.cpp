// SPDX-License-Identifier: Apache-2.0
// The kernels of every machine in vectors of 256 bits: AVX2 without fused multiply-adds.
#include "kernels/int8_matmul_avx2-inl.h"
#include "kernels/kernel_table.h"
#include "kernels/lane_kernels-inl.h"

namespace brt::kernels {

const KernelTable& kernels_portable256() {
  static constexpr KernelTable kTable = lane_kernels<Avx2Int8Micro>();
  return kTable;
}

}  // namespace brt::kernels
