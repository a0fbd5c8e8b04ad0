// SPDX-License-Identifier: Apache-2.0
// The choice of rounding's target.
#include "kernels/rounding.h"

#include <algorithm>

#include "base/check.h"
#include "kernels/argument_checks.h"
#include "kernels/cpu_target.h"
#include "kernels/rounding_targets.h"

namespace brt::kernels {

namespace {

template <class T>
void check(const float* x, const T* out, int64_t count) {
  BRT_ASSERT(is_array(x, count));
  BRT_ASSERT(is_array(out, count));
  BRT_ASSERT(are_apart(x, count, out, count));
}

}  // namespace

void round_row(const float* x, Bfloat16* out, int64_t count) {
  check(x, out, count);
#if defined(__x86_64__)
  if (cpu_target() >= CpuTarget::kAvx512Bf16) {
    round_to_bfloat16_avx512bf16(x, out, count);
    return;
  }
  if (cpu_target() >= CpuTarget::kAvx512) {
    round_to_bfloat16_avx512(x, out, count);
    return;
  }
#endif
  round_to_bfloat16_scalar(x, out, count);
}
void round_row(const float* x, float* out, int64_t count) {
  check(x, out, count);
  std::copy_n(x, count, out);
}

}  // namespace brt::kernels
