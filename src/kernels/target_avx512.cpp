// SPDX-License-Identifier: Apache-2.0
// The kernels for AVX-512.
#include "kernels/kernel_table.h"
#include "kernels/panels_avx512-inl.h"
#include "kernels/vector_avx512-inl.h"
#include "kernels/vector_kernels-inl.h"

namespace brt::kernels {
namespace {

constexpr KernelTable make_table() {
  KernelTable table = vector_kernels<Avx512Vector, PlainInt8Micro>();
  set_packing(table.of_float);
  set_packing(table.of_bfloat16);
  return table;
}

}  // namespace

const KernelTable& kernels_avx512() {
  static constexpr KernelTable kTable = make_table();
  return kTable;
}

}  // namespace brt::kernels
