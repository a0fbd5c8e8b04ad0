// SPDX-License-Identifier: Apache-2.0
// The choice of the row functions' target.
#include "kernels/attention_rows.h"

#include "kernels/cpu_target.h"

namespace brt::kernels {

template <class T>
const AttentionRowFunctions<T>& attention_rows() {
#if defined(__x86_64__)
  if (cpu_target() >= CpuTarget::kAvx512) {
    return attention_rows_avx512(static_cast<const T*>(nullptr));
  }
#endif
  return attention_rows_scalar(static_cast<const T*>(nullptr));
}
template const AttentionRowFunctions<float>& attention_rows<float>();
template const AttentionRowFunctions<Bfloat16>& attention_rows<Bfloat16>();

}  // namespace brt::kernels
