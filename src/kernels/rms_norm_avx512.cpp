// SPDX-License-Identifier: Apache-2.0
// RMS normalisation for AVX-512.
#include "kernels/rms_norm_targets.h"
#include "kernels/rms_norm_vectors-inl.h"
#include "kernels/vector_avx512-inl.h"

namespace brt::kernels {

void rms_norm_avx512(const RmsNormArgs<float>& args, int64_t begin, int64_t end) {
  rms_norm_rows<Avx512Vector>(args, begin, end);
}
void rms_norm_backward_avx512(const RmsNormBackwardArgs<float>& args, int64_t begin, int64_t end) {
  rms_norm_backward_rows<Avx512Vector>(args, begin, end);
}
void rms_norm_avx512(const RmsNormArgs<Bfloat16>& args, int64_t begin, int64_t end) {
  rms_norm_rows<Avx512Vector>(args, begin, end);
}
void rms_norm_backward_avx512(const RmsNormBackwardArgs<Bfloat16>& args,
                              int64_t begin,
                              int64_t end) {
  rms_norm_backward_rows<Avx512Vector>(args, begin, end);
}

}  // namespace brt::kernels
