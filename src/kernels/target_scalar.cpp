// SPDX-License-Identifier: Apache-2.0
// The kernels of every machine: in the vector extension, compiled for the least that it has.
#include "kernels/kernel_table.h"
#include "kernels/lane_vector-inl.h"
#include "kernels/panels-inl.h"
#include "kernels/vector_kernels-inl.h"

namespace brt::kernels {
namespace {

constexpr KernelTable make_table() {
  KernelTable table = vector_kernels<LaneVector, PlainInt8Micro>();
  set_packing(table.of_float);
  set_packing(table.of_bfloat16);
  return table;
}

}  // namespace

const KernelTable& kernels_scalar() {
  static constexpr KernelTable kTable = make_table();
  return kTable;
}

}  // namespace brt::kernels
