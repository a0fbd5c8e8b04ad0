// SPDX-License-Identifier: Apache-2.0
// The T5 relative position bias of token self-attention.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace brt {

/// Which rows of a block, and which keys of its window, a call is about.
struct BlockRows {
  int64_t window = 0;     ///< W
  int64_t first_row = 0;  ///< first token's place in its block
  int64_t rows = 0;       ///< tokens, all of one block

  /// Keys that exist once these rows are read: the previous block, and this one up to the last row.
  int64_t keys() const { return window + first_row + rows; }
};

/// Bucket of a distance n = query position - key position, n >= 0 (one-directional T5 buckets).
///
///   n < U/2: n     else  U/2 + floor(log(n / (U/2)) / log(max_distance / (U/2)) * U/2), at most
///   U-1
///
/// model.md, "Position bias"; after T5 (Raffel et al., 2020).
int64_t position_bucket(int64_t distance, int64_t num_buckets, int64_t max_distance);

/// bias[h, i, j] = table[h, bucket(W + i - j)] for row i of the block and key j of its window.
///
/// @param table_HU  one row of buckets per head
/// @return [H, rows, keys]; entries that the causal band hides hold some bucket's value.
/// Gradient to the table.
at::Tensor position_bias(const at::Tensor& table_HU, const BlockRows& rows, int64_t max_distance);

/// hidden[i, j] is true unless 1 <= (W + first_row + i) - j <= W: each token sees exactly the W
/// tokens before it and not itself. bool [rows, keys].
at::Tensor hidden_by_band(const BlockRows& rows, at::Device device);

}  // namespace brt
