// SPDX-License-Identifier: Apache-2.0
// Sizes rounded up.
#include "engine/alignment.h"

#include <gtest/gtest.h>

namespace brt {
namespace {

TEST(Alignment, RoundsUpToWholeUnits) {
  EXPECT_EQ(round_up(0, 64), 0);
  EXPECT_EQ(round_up(1, 64), 64);
  EXPECT_EQ(round_up(64, 64), 64);
  EXPECT_EQ(round_up(65, 64), 128);
  EXPECT_EQ(round_up(7, 3), 9);
}

TEST(Alignment, PartsBeginOnLinesOf64Bytes) {
  EXPECT_EQ(aligned_bytes<float>(0), 0);
  EXPECT_EQ(aligned_bytes<float>(16), 64);
  EXPECT_EQ(aligned_bytes<float>(17), 128);
  EXPECT_EQ(aligned_bytes<uint8_t>(65), 128);
  EXPECT_EQ(aligned_bytes<double>(8), 64);
}

}  // namespace
}  // namespace brt
