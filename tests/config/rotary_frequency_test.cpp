// SPDX-License-Identifier: Apache-2.0
// Frequencies of rotary positions.
#include "config/rotary_frequency.h"

#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

namespace brt {
namespace {

/// To the last place or the one before it: what a rotation becomes in float32 does not show that.
TEST(RotaryFrequency, AgreesWithTheLibrarysPower) {
  for (int64_t head_size = 2; head_size <= 256; head_size += 2) {
    for (int64_t j = 0; j < head_size / 2; ++j) {
      const double exponent = static_cast<double>(j) * (-2.0 / static_cast<double>(head_size));
      EXPECT_DOUBLE_EQ(rotary_frequency(j, head_size),
                       std::numbers::pi * std::pow(10000.0, exponent));
    }
  }
}

TEST(RotaryFrequency, FallsFromPiByPowersOfTenThousand) {
  EXPECT_DOUBLE_EQ(rotary_frequency(0, 64), std::numbers::pi);
  EXPECT_DOUBLE_EQ(rotary_frequency(16, 64), std::numbers::pi / 100.0);
  EXPECT_NEAR(rotary_frequency(1, 2), std::numbers::pi / 10000.0, 1e-18);
  for (int64_t j = 1; j < 32; ++j) {
    EXPECT_LT(rotary_frequency(j, 64), rotary_frequency(j - 1, 64));
  }
}

}  // namespace
}  // namespace brt
