// SPDX-License-Identifier: Apache-2.0
// float32 to bfloat16, many at a time.
#pragma once

#include <cstdint>

#include "kernels/bfloat16.h"

namespace brt::kernels {

/// out[i] = to_bfloat16(x[i]) for i in [0, count)
void round_to_bfloat16(const float* x, Bfloat16* out, int64_t count);

}  // namespace brt::kernels
