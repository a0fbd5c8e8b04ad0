// SPDX-License-Identifier: Apache-2.0
// Weights as signed bytes, packed for products: kernels/int8_matmul.h.
#pragma once

#include <cstdint>

#include "kernels/panels.h"

namespace brt::kernels {

/// A product sums its depth in quads: the depth of panels and of rows is padded to whole ones.
constexpr int64_t kInt8Quad = 4;
constexpr int64_t kLargestInt8Weight = 127;
/// Sums of 32 bits stay exact up to this depth.
constexpr int64_t kMaxInt8Depth = 65536;

constexpr int64_t int8_padded_depth(int64_t depth) {
  return (depth + kInt8Quad - 1) / kInt8Quad * kInt8Quad;
}
/// Bytes of one panel: 64 columns.
constexpr int64_t int8_panel_size(int64_t depth) {
  return int8_padded_depth(depth) * kPanelColumns;
}
/// The index of element [k, column] within its panel, column counted within the panel.
constexpr int64_t int8_panel_index(int64_t k, int64_t column) {
  return (k / kInt8Quad * kPanelColumns + column) * kInt8Quad + k % kInt8Quad;
}

/// source[c, k] is nearly scale[c] * panels[k, c], bytes from -127 to 127: each row of the source
/// (a column of the product) has a scale of its own, its greatest absolute value / 127.
///
/// Rounds to nearest, ties to even, alike on every target. A row below 2^-100 throughout becomes
/// zeros of scale 0; one that holds NaN or infinity, zeros of scale NaN, so that whatever is
/// multiplied by it is NaN.
struct PackInt8Args {
  const float* source = nullptr;  ///< [columns, depth]
  int64_t source_stride = 0;      ///< elements from one row to the next
  int8_t* panels = nullptr;       ///< num_panels(columns) * int8_panel_size(depth) bytes
  float* scale = nullptr;         ///< [64 num_panels(columns)]; zero beyond the columns
  int32_t* sum = nullptr;         ///< [64 num_panels(columns)]: the sum of each column's bytes
  int64_t depth = 0;              ///< at most kMaxInt8Depth
  int64_t columns = 0;
};

/// Packs panels [begin, end).
void pack_int8(const PackInt8Args& args, int64_t begin, int64_t end);

}  // namespace brt::kernels
