// SPDX-License-Identifier: Apache-2.0
// The kernels of every machine in vectors of 512 bits: AVX-512 without fused multiply-adds.
#include "kernels/int8_matmul_avx2-inl.h"
#include "kernels/kernel_table.h"
#include "kernels/lane_vector-inl.h"
#include "kernels/panels-inl.h"
#include "kernels/vector_kernels-inl.h"

namespace brt::kernels {
namespace {

constexpr KernelTable make_table() {
  KernelTable table = vector_kernels<LaneVector, Avx2Int8Micro>();
  set_packing(table.of_float);
  set_packing(table.of_bfloat16);
  return table;
}

}  // namespace

const KernelTable& kernels_portable512() {
  static constexpr KernelTable kTable = make_table();
  return kTable;
}

}  // namespace brt::kernels
