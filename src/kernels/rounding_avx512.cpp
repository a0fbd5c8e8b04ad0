// SPDX-License-Identifier: Apache-2.0
// Rounding for AVX-512: one loop, which the compiler vectorises.
#include "kernels/independent_iterations.h"
#include "kernels/rounding_targets.h"

namespace brt::kernels {

void round_to_bfloat16_avx512(const float* x, Bfloat16* out, int64_t count) {
  BRT_INDEPENDENT_ITERATIONS
  for (int64_t i = 0; i < count; ++i) {
    out[i] = to_bfloat16(x[i]);
  }
}

}  // namespace brt::kernels
