// SPDX-License-Identifier: Apache-2.0
// The kernels for AVX2, FMA and F16C.
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

const KernelTable& kernels_avx2() {
  static constexpr KernelTable kTable = make_table();
  return kTable;
}

}  // namespace brt::kernels
