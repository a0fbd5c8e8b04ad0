// SPDX-License-Identifier: Apache-2.0
// The choice of rounding's target.
#include "kernels/rounding.h"

#include "base/check.h"
#include "kernels/argument_checks.h"
#include "kernels/kernel_table.h"

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
  kernel_table().of_bfloat16.round_row(x, out, count);
}
void round_row(const float* x, float* out, int64_t count) {
  check(x, out, count);
  kernel_table().of_float.round_row(x, out, count);
}

}  // namespace brt::kernels
