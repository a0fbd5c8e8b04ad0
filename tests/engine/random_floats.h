// SPDX-License-Identifier: Apache-2.0
// Seeded numbers of order 1.
#pragma once

#include <cstdint>
#include <vector>

#include "base/seeded_random.h"

namespace brt {

inline std::vector<float> random_floats(int64_t count, uint64_t seed) {
  SeededRandom random(seed);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) {
    value = static_cast<float>(3.0 * random.uniform() - 1.5);
  }
  return values;
}

}  // namespace brt
