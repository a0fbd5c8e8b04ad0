// SPDX-License-Identifier: Apache-2.0
// Unit length for AVX-512.
#include "kernels/unit_length_targets.h"
#include "kernels/unit_length_vectors-inl.h"
#include "kernels/vector_avx512-inl.h"

namespace brt::kernels {

void unit_length_avx512(const UnitLengthArgs<float>& args, int64_t begin, int64_t end) {
  unit_length_rows<Avx512Vector>(args, begin, end);
}
void unit_length_backward_avx512(const UnitLengthBackwardArgs<float>& args,
                                 int64_t begin,
                                 int64_t end) {
  unit_length_backward_rows<Avx512Vector>(args, begin, end);
}

void unit_length_avx512(const UnitLengthArgs<Bfloat16>& args, int64_t begin, int64_t end) {
  unit_length_rows<Avx512Vector>(args, begin, end);
}
void unit_length_backward_avx512(const UnitLengthBackwardArgs<Bfloat16>& args,
                                 int64_t begin,
                                 int64_t end) {
  unit_length_backward_rows<Avx512Vector>(args, begin, end);
}

}  // namespace brt::kernels
