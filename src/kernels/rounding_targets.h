// SPDX-License-Identifier: Apache-2.0
// The entries of kernels/rounding.h, one per CPU target.
#pragma once

#include "kernels/rounding.h"

namespace brt::kernels {

void round_to_bfloat16_scalar(const float* x, Bfloat16* out, int64_t count);
void round_to_bfloat16_avx512bf16(const float* x, Bfloat16* out, int64_t count);
void round_to_bfloat16_avx512(const float* x, Bfloat16* out, int64_t count);

}  // namespace brt::kernels
