// SPDX-License-Identifier: Apache-2.0
// The row functions of the CPU's target.
#include "kernels/attention_rows.h"

#include "kernels/kernel_table.h"

namespace brt::kernels {

template <>
const AttentionRowFunctions<float>& attention_rows<float>() {
  return kernels_of<float>().attention_rows;
}

template <>
const AttentionRowFunctions<Bfloat16>& attention_rows<Bfloat16>() {
  return kernels_of<Bfloat16>().attention_rows;
}

}  // namespace brt::kernels
