// SPDX-License-Identifier: Apache-2.0
// The frequencies of rotary positions.
#include "config/rotary_frequency.h"

#include <numbers>

#include "base/portable_math.h"

namespace brt {

double rotary_frequency(int64_t j, int64_t head_size) {
  // ln 10000 in two parts. The first has 26 bits, as the exponent's first part, so that their
  // product is exact.
  constexpr double kLogHigh = 0x1.26bb1b8p+3;
  constexpr double kLogLow = 0x1.daaa8ac16ea57p-24;
  constexpr double kSplit = 0x1.0p27 + 1.0;
  const double exponent = static_cast<double>(j) * (-2.0 / static_cast<double>(head_size));
  const double shifted = exponent * kSplit;
  const double high = shifted - (shifted - exponent);
  const double low = exponent - high;
  const double power = portable_exp(high * kLogHigh, high * kLogLow + low * (kLogHigh + kLogLow));
  return std::numbers::pi * power;
}

}  // namespace brt
