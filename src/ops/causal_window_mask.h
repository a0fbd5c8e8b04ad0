// SPDX-License-Identifier: Apache-2.0
// Which keys a token of a sliding window sees.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace brt {

/// Which rows of a block, and which keys of its window, a call is about.
struct BlockRows {
  int64_t window = 0;     ///< W
  int64_t first_row = 0;  ///< first token's position in its block
  int64_t rows = 0;       ///< tokens, all of one block

  /// Keys that exist once these rows are read: the previous block, and this one up to the last row.
  int64_t keys() const { return window + first_row + rows; }
};

/// W + i - j for every row i and key j of a block's window, int64 [rows, keys].
at::Tensor key_distances(const BlockRows& rows, at::Device device);

/// hidden[i, j] is true unless 1 <= (W + first_row + i) - j <= W: each token sees exactly the W
/// tokens before it and not itself. bool [rows, keys].
at::Tensor causal_window_mask(const BlockRows& rows, at::Device device);

}  // namespace brt
