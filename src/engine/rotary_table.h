// SPDX-License-Identifier: Apache-2.0
// Rotary positions of single vectors, their angles computed once.
#pragma once

#include <cstdint>
#include <vector>

namespace brt {

/// Rotates elements j and j + K/2 of a vector at position p by p * rotary_frequency(j, K):
/// (x, y) -> (x cos - y sin, x sin + y cos). model.md, "Position bias" (options).
class RotaryTable {
 public:
  /// For positions [0, num_positions); head_size is even.
  RotaryTable(int64_t head_size, int64_t num_positions);

  /// `out_K` must not overlap `x_K`.
  void rotate(const float* x_K, int64_t position, float* out_K) const;

 private:
  int64_t half_;               ///< K/2
  std::vector<float> cosine_;  ///< [num_positions, K/2]
  std::vector<float> sine_;
};

}  // namespace brt
