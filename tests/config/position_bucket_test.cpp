// SPDX-License-Identifier: Apache-2.0
// Buckets of relative positions against their rule.
#include "config/position_bucket.h"

#include <cmath>

#include <gtest/gtest.h>

namespace brt {
namespace {

TEST(PositionBucket, SmallDistancesHaveTheirOwn) {
  for (int64_t distance = 0; distance < 16; ++distance) {
    EXPECT_EQ(position_bucket(distance, 32, 128), distance);
  }
}

TEST(PositionBucket, LargeDistancesShareByLogarithm) {
  // 16 + floor(log(n/16) / log(8) * 16)
  EXPECT_EQ(position_bucket(16, 32, 128), 16);
  EXPECT_EQ(position_bucket(18, 32, 128), 16);
  EXPECT_EQ(position_bucket(19, 32, 128), 17);
  EXPECT_EQ(position_bucket(32, 32, 128), 21);
  EXPECT_EQ(position_bucket(64, 32, 128), 26);
  EXPECT_EQ(position_bucket(112, 32, 128), 30);
  EXPECT_EQ(position_bucket(113, 32, 128), 31);
  EXPECT_EQ(position_bucket(127, 32, 128), 31);
  EXPECT_EQ(position_bucket(128, 32, 128), 31);
  EXPECT_EQ(position_bucket(100000, 32, 128), 31);
}

TEST(PositionBucket, IsTheOneThatTheLibrarysLogarithmGives) {
  for (const int64_t buckets : {8, 32, 64}) {
    for (const int64_t most : {64, 128, 1000, 4096}) {
      const double exact = static_cast<double>(buckets / 2);
      for (int64_t distance = buckets / 2; distance < most; ++distance) {
        const double octaves = std::log(static_cast<double>(distance) / exact) /
                               std::log(static_cast<double>(most) / exact);
        EXPECT_EQ(position_bucket(distance, buckets, most),
                  buckets / 2 + static_cast<int64_t>(octaves * exact))
            << distance << " of " << most;
      }
    }
  }
}

TEST(PositionBucket, NeverFallsWithDistance) {
  for (int64_t distance = 1; distance < 300; ++distance) {
    EXPECT_GE(position_bucket(distance, 32, 128), position_bucket(distance - 1, 32, 128));
  }
}

TEST(PositionBucket, OfAWindowOldestFirst) {
  EXPECT_EQ(window_buckets(5, 32, 128), (std::vector<int64_t>{5, 4, 3, 2, 1}));
  const std::vector<int64_t> buckets = window_buckets(300, 32, 128);
  ASSERT_EQ(buckets.size(), 300u);
  EXPECT_EQ(buckets.front(), 31);
  EXPECT_EQ(buckets[300 - 64], 26);
  EXPECT_EQ(buckets.back(), 1);
}

}  // namespace
}  // namespace brt
