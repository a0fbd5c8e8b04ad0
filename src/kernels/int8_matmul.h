// SPDX-License-Identifier: Apache-2.0
// Products of activations of 15 bits with weights of 8.
#pragma once

#include <cstdint>

#include "kernels/int8_panels.h"
#include "kernels/int8_rows.h"
#include "kernels/matmul.h"

namespace brt::kernels {

/// out[r, c] = row_scale[r] column_scale[c]
///             (128 sum_k high[r, k] w[k, c] + sum_k low[r, k] w[k, c] - 16384 column_sum[c])
///
/// Sums are exact in integers and the rest is one float64 product, rounded to float32: the same
/// bits on every target, for every number of rows and columns of the call and of threads. (15 bits
/// rather than 8 keep the rounding of activations far below that of the weights; the price is two
/// instructions instead of one for 64 weights, which memory is slower than.)
struct MatmulInt8Args {
  const uint8_t* high = nullptr;        ///< [rows, left_stride], of quantize_rows
  const uint8_t* low = nullptr;         ///< [rows, left_stride]
  int64_t left_stride = 0;              ///< at least int8_padded_depth(depth)
  const float* row_scale = nullptr;     ///< [rows]
  const int8_t* panels = nullptr;       ///< w [depth, columns], of pack_int8
  const float* column_scale = nullptr;  ///< [columns]
  const int32_t* column_sum = nullptr;  ///< [columns]
  float* out = nullptr;                 ///< [rows, columns]; must not overlap the operands
  int64_t out_stride = 0;               ///< elements from row to row
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t depth = 0;                                ///< at most kMaxInt8Depth
  MatmulOutput output = MatmulOutput::kStoreFloat;  ///< or kAddFloat; no other
  const void* next_panels = nullptr;                ///< as in MatmulArgs
};

void matmul_int8(const MatmulInt8Args& args);

}  // namespace brt::kernels
