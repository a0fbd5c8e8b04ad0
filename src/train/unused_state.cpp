// SPDX-License-Identifier: Apache-2.0
// Counts evaluations.
#include "train/unused_state.h"

#include <cmath>

namespace brt {

int64_t count_unused_state(int64_t before, double loss, double loss_without_state) {
  if (before >= kLongUnused) {
    return before;
  }
  const bool is_unused = std::abs(loss_without_state - loss) <= kUnusedDifference * std::abs(loss);
  return is_unused ? before + 1 : 0;
}

}  // namespace brt
