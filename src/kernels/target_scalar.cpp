// SPDX-License-Identifier: Apache-2.0
// The kernels of every machine: in the vector extension, compiled for the least that it has.
#include "kernels/int8_matmul-inl.h"
#include "kernels/kernel_table.h"
#include "kernels/lane_kernels-inl.h"

namespace brt::kernels {

const KernelTable& kernels_scalar() {
  static constexpr KernelTable kTable = lane_kernels<PlainInt8Micro>();
  return kTable;
}

}  // namespace brt::kernels
