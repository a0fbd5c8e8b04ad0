// SPDX-License-Identifier: Apache-2.0
// The entries of kernels/rms_norm.h, one per CPU target.
#pragma once

#include "kernels/rms_norm.h"

namespace brt::kernels {

void rms_norm_scalar(const RmsNormArgs<float>& args, int64_t begin, int64_t end);
void rms_norm_scalar(const RmsNormArgs<Bfloat16>& args, int64_t begin, int64_t end);
void rms_norm_backward_scalar(const RmsNormBackwardArgs<float>& args, int64_t begin, int64_t end);
void rms_norm_backward_scalar(const RmsNormBackwardArgs<Bfloat16>& args,
                              int64_t begin,
                              int64_t end);
void rms_norm_avx512(const RmsNormArgs<float>& args, int64_t begin, int64_t end);
void rms_norm_avx512(const RmsNormArgs<Bfloat16>& args, int64_t begin, int64_t end);
void rms_norm_backward_avx512(const RmsNormBackwardArgs<float>& args, int64_t begin, int64_t end);
void rms_norm_backward_avx512(const RmsNormBackwardArgs<Bfloat16>& args,
                              int64_t begin,
                              int64_t end);
void rms_norm_avx512bf16(const RmsNormArgs<Bfloat16>& args, int64_t begin, int64_t end);
void rms_norm_backward_avx512bf16(const RmsNormBackwardArgs<Bfloat16>& args,
                                  int64_t begin,
                                  int64_t end);

}  // namespace brt::kernels
