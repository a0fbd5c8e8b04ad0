// SPDX-License-Identifier: Apache-2.0
// The whole table of a target in the vector extension: the file's flags make the difference.
#pragma once

#include "kernels/kernel_table.h"
#include "kernels/lane_vector-inl.h"
#include "kernels/panels-inl.h"
#include "kernels/vector_kernels-inl.h"

namespace brt::kernels {
namespace {

/// @tparam Int8Micro  of kernels/int8_matmul-inl.h
template <class Int8Micro>
constexpr KernelTable lane_kernels() {
  KernelTable table = vector_kernels<LaneVector, Int8Micro>();
  set_packing(table.of_float);
  set_packing(table.of_bfloat16);
  return table;
}

}  // namespace
}  // namespace brt::kernels
