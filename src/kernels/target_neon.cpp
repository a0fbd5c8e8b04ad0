// SPDX-License-Identifier: Apache-2.0
// The kernels for 64-bit Arm, whose least has NEON with fused multiply-adds.
#include "kernels/int8_matmul-inl.h"
#include "kernels/kernel_table.h"
#include "kernels/lane_kernels-inl.h"

namespace brt::kernels {

const KernelTable& kernels_neon() {
  static constexpr KernelTable kTable = lane_kernels<PlainInt8Micro>();
  return kTable;
}

}  // namespace brt::kernels
