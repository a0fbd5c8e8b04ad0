// SPDX-License-Identifier: Apache-2.0
// The choice of the row functions' target.
#include "kernels/attention_rows.h"

#include "kernels/cpu_target.h"

namespace brt::kernels {

template <>
const AttentionRowFunctions<float>& attention_rows<float>() {
  constexpr const float* kType = nullptr;
#if defined(__x86_64__)
  if (cpu_target() >= CpuTarget::kAvx512) {
    return attention_rows_avx512(kType);
  }
#endif
  return attention_rows_scalar(kType);
}

template <>
const AttentionRowFunctions<Bfloat16>& attention_rows<Bfloat16>() {
  constexpr const Bfloat16* kType = nullptr;
#if defined(__x86_64__)
  if (cpu_target() >= CpuTarget::kAvx512Bf16) {
    return attention_rows_avx512bf16(kType);
  }
  if (cpu_target() >= CpuTarget::kAvx512) {
    return attention_rows_avx512(kType);
  }
#endif
  return attention_rows_scalar(kType);
}

}  // namespace brt::kernels
