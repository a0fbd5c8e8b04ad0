// SPDX-License-Identifier: Apache-2.0
// Frequencies of rotary positions.
#include "config/rotary_frequency.h"

#include <numbers>

#include <gtest/gtest.h>

namespace brt {
namespace {

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
