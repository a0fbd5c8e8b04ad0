// SPDX-License-Identifier: Apache-2.0
// Rounding for CPUs that do it themselves.
#include "kernels/for_vectors-inl.h"
#include "kernels/rounding_targets.h"
#include "kernels/vector_avx512-inl.h"

namespace brt::kernels {

void round_to_bfloat16_avx512bf16(const float* x, Bfloat16* out, int64_t count) {
  for_vectors<Avx512Vector>(count, [&](int64_t i, Avx512Vector::Mask mask) {
    Avx512Vector::store(out + i, Avx512Vector::load(x + i, mask), mask);
  });
}

}  // namespace brt::kernels
