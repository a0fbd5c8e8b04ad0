// SPDX-License-Identifier: Apache-2.0
// Activations as integers of 15 bits, for products with weights of 8: kernels/int8_matmul.h.
#pragma once

#include <cstdint>

namespace brt::kernels {

/// x[r, k] is nearly scale[r] * (128 high[r, k] + low[r, k] - 16384), high of 8 bits, low of 7.
///
/// The integer is x[r, k] / scale[r] rounded to nearest, ties to even, from -16383 to 16383; scale
/// is the row's greatest absolute value / 16383. Alike on every target. A row below 2^-100
/// throughout counts as zeros of scale 0; one that holds NaN or infinity, as zeros of scale NaN, so
/// that every product with it is NaN.
struct QuantizeRowsArgs {
  const float* x = nullptr;  ///< [rows, depth]
  int64_t x_stride = 0;      ///< elements from one row to the next
  uint8_t* high = nullptr;   ///< [rows, stride]; zero from depth to stride
  uint8_t* low = nullptr;    ///< [rows, stride]; zero from depth to stride
  int64_t stride = 0;        ///< at least int8_padded_depth(depth)
  float* scale = nullptr;    ///< [rows]
  int64_t depth = 0;
};

/// Rows [begin, end).
void quantize_rows(const QuantizeRowsArgs& args, int64_t begin, int64_t end);

}  // namespace brt::kernels
