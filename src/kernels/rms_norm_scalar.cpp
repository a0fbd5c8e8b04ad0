// SPDX-License-Identifier: Apache-2.0
// RMS normalisation for every machine.
#include "kernels/rms_norm-inl.h"
#include "kernels/rms_norm_targets.h"

namespace brt::kernels {

void rms_norm_scalar(const RmsNormArgs<float>& args, int64_t begin, int64_t end) {
  rms_norm_rows(args, begin, end);
}
void rms_norm_scalar(const RmsNormArgs<Bfloat16>& args, int64_t begin, int64_t end) {
  rms_norm_rows(args, begin, end);
}
void rms_norm_backward_scalar(const RmsNormBackwardArgs<float>& args, int64_t begin, int64_t end) {
  rms_norm_backward_rows(args, begin, end);
}
void rms_norm_backward_scalar(const RmsNormBackwardArgs<Bfloat16>& args,
                              int64_t begin,
                              int64_t end) {
  rms_norm_backward_rows(args, begin, end);
}

}  // namespace brt::kernels
