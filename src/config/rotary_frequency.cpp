// SPDX-License-Identifier: Apache-2.0
// The frequencies of rotary positions.
#include "config/rotary_frequency.h"

#include <cmath>
#include <numbers>

namespace brt {

double rotary_frequency(int64_t j, int64_t head_size) {
  return std::numbers::pi *
         std::pow(10000.0, static_cast<double>(j) * (-2.0 / static_cast<double>(head_size)));
}

}  // namespace brt
