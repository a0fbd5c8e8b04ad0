// SPDX-License-Identifier: Apache-2.0
// Rows to integers, written once for compilers to vectorise.
#pragma once

#include <cstdint>

#include "kernels/independent_iterations.h"
#include "kernels/int8_rows.h"
#include "kernels/int8_scale-inl.h"

namespace brt::kernels {
namespace {

[[maybe_unused]] void quantize_each_row(const QuantizeRowsArgs& args, int64_t begin, int64_t end) {
  constexpr int32_t kZero = 16384;
  const int64_t depth = args.depth;  // a copy: bytes may alias what args holds
  const int64_t stride = args.stride;
  for (int64_t r = begin; r < end; ++r) {
    const float* x = args.x + r * args.x_stride;
    uint8_t* high = args.high + r * stride;
    uint8_t* low = args.low + r * stride;
    const IntegerScale scale = integer_scale(x, depth, 16383.0F);
    args.scale[r] = scale.scale;
    if (scale.inverse == 0.0F) {  // x may be NaN: not to be converted
      for (int64_t k = 0; k < depth; ++k) {
        high[k] = kZero / 128;
        low[k] = 0;
      }
    } else {
      BRT_INDEPENDENT_ITERATIONS
      for (int64_t k = 0; k < depth; ++k) {
        const int32_t code = nearest_integer(x[k], scale.inverse) + kZero;
        high[k] = static_cast<uint8_t>(code >> 7);
        low[k] = static_cast<uint8_t>(code & 127);
      }
    }
    for (int64_t k = depth; k < stride; ++k) {
      high[k] = 0;
      low[k] = 0;
    }
  }
}

}  // namespace
}  // namespace brt::kernels
