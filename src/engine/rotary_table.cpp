// SPDX-License-Identifier: Apache-2.0
// Angles in float64, rotations in float32.
#include "engine/rotary_table.h"

#include "base/portable_math.h"
#include "config/rotary_frequency.h"

namespace brt {

RotaryTable::RotaryTable(int64_t head_size, int64_t num_positions) : half_(head_size / 2) {
  for (int64_t position = 0; position < num_positions; ++position) {
    for (int64_t j = 0; j < half_; ++j) {
      const double angle = static_cast<double>(position) * rotary_frequency(j, head_size);
      cosine_.push_back(static_cast<float>(portable_cos(angle)));
      sine_.push_back(static_cast<float>(portable_sin(angle)));
    }
  }
}

void RotaryTable::rotate(const float* x_K, int64_t position, float* out_K) const {
  const float* cosine = cosine_.data() + position * half_;
  const float* sine = sine_.data() + position * half_;
  for (int64_t j = 0; j < half_; ++j) {
    out_K[j] = x_K[j] * cosine[j] - x_K[j + half_] * sine[j];
    out_K[j + half_] = x_K[j] * sine[j] + x_K[j + half_] * cosine[j];
  }
}

}  // namespace brt
