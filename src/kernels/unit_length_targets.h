// SPDX-License-Identifier: Apache-2.0
// The entries of kernels/unit_length.h, one per CPU target.
#pragma once

#include "kernels/unit_length.h"

namespace brt::kernels {

void unit_length_scalar(const UnitLengthArgs<float>& args, int64_t begin, int64_t end);
void unit_length_scalar(const UnitLengthArgs<Bfloat16>& args, int64_t begin, int64_t end);
void unit_length_backward_scalar(const UnitLengthBackwardArgs<float>& args,
                                 int64_t begin,
                                 int64_t end);
void unit_length_backward_scalar(const UnitLengthBackwardArgs<Bfloat16>& args,
                                 int64_t begin,
                                 int64_t end);
void unit_length_avx512(const UnitLengthArgs<float>& args, int64_t begin, int64_t end);
void unit_length_avx512(const UnitLengthArgs<Bfloat16>& args, int64_t begin, int64_t end);
void unit_length_backward_avx512(const UnitLengthBackwardArgs<float>& args,
                                 int64_t begin,
                                 int64_t end);
void unit_length_backward_avx512(const UnitLengthBackwardArgs<Bfloat16>& args,
                                 int64_t begin,
                                 int64_t end);
void unit_length_avx512bf16(const UnitLengthArgs<Bfloat16>& args, int64_t begin, int64_t end);
void unit_length_backward_avx512bf16(const UnitLengthBackwardArgs<Bfloat16>& args,
                                     int64_t begin,
                                     int64_t end);

}  // namespace brt::kernels
