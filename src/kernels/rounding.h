// SPDX-License-Identifier: Apache-2.0
// float32 to the type of products' operands, many at a time.
#pragma once

#include <cstdint>

#include "kernels/bfloat16.h"

namespace brt::kernels {

/// out[i] = x[i], rounded, for i in [0, count)
void round_row(const float* x, Bfloat16* out, int64_t count);
void round_row(const float* x, float* out, int64_t count);

}  // namespace brt::kernels
