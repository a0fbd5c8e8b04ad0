// SPDX-License-Identifier: Apache-2.0
// Random numbers: known values, distribution, saved state.
#include "base/seeded_random.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace brt {
namespace {

TEST(SeededRandom, IsXoshiro256StarStar) {
  SeededRandom random(0);
  random.set_state({1, 2, 3, 4});
  EXPECT_EQ(random.next(), 11520U);
  EXPECT_EQ(random.next(), 0U);
  EXPECT_EQ(random.next(), 1509978240U);
  EXPECT_EQ(random.next(), 1215971899390074240U);
}

TEST(SeededRandom, IsSeededBySplitMix64) {
  SeededRandom random(1);
  EXPECT_EQ(random.state()[0], 0x910a2dec89025cc1U);
  EXPECT_EQ(random.state()[3], 0x71c18690ee42c90bU);
  EXPECT_EQ(random.next(), 0xb3f2af6d0fc710c5U);
}

TEST(SeededRandom, GoesOnFromASavedState) {
  SeededRandom first(7);
  first.next();
  SeededRandom second(8);
  second.set_state(first.state());
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(first.next(), second.next());
  }
}

TEST(SeededRandom, UniformFillsTheUnitIntervalEvenly) {
  SeededRandom random(3);
  constexpr int kDraws = 100000;
  double sum = 0;
  double sum_of_squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double value = random.uniform();
    ASSERT_GE(value, 0.0);
    ASSERT_LT(value, 1.0);
    sum += value;
    sum_of_squares += value * value;
  }
  EXPECT_NEAR(sum / kDraws, 0.5, 0.005);
  EXPECT_NEAR(sum_of_squares / kDraws, 1.0 / 3.0, 0.005);
}

TEST(SeededRandom, BelowIsEvenAndWithinItsLimit) {
  SeededRandom random(4);
  std::vector<int> counts(5);
  for (int i = 0; i < 50000; ++i) {
    const uint64_t value = random.below(5);
    ASSERT_LT(value, 5U);
    ++counts[value];
  }
  for (const int count : counts) {
    EXPECT_NEAR(count, 10000, 500);
  }
  EXPECT_EQ(random.below(1), 0U);
}

TEST(SeededRandom, BelowRejectsWhatWouldFavourSmallNumbers) {
  // With a limit of 3/4 of the range, plain remainders would make the lower third twice as likely.
  SeededRandom random(5);
  const uint64_t limit = uint64_t{3} << 62;
  int low = 0;
  for (int i = 0; i < 30000; ++i) {
    low += random.below(limit) < limit / 3 ? 1 : 0;
  }
  EXPECT_NEAR(low, 10000, 400);
}

TEST(SeededRandom, ShuffleKeepsTheItemsAndDependsOnTheSeed) {
  std::vector<int> first(100);
  std::iota(first.begin(), first.end(), 0);
  std::vector<int> second = first;
  std::vector<int> third = first;
  const std::vector<int> sorted = first;
  SeededRandom(1).shuffle(std::span<int>(first));
  SeededRandom(1).shuffle(std::span<int>(second));
  SeededRandom(2).shuffle(std::span<int>(third));
  EXPECT_EQ(first, second);
  EXPECT_NE(first, third);
  EXPECT_NE(first, sorted);
  std::ranges::sort(first);
  EXPECT_EQ(first, sorted);
}

TEST(SeededRandom, ShuffleReachesEveryOrder) {
  SeededRandom random(6);
  std::set<std::vector<int>> orders;
  for (int i = 0; i < 1000; ++i) {
    std::vector<int> items = {1, 2, 3};
    random.shuffle(std::span<int>(items));
    orders.insert(items);
  }
  EXPECT_EQ(orders.size(), 6U);
}

TEST(DeriveSeed, DependsOnSeedPurposeAndIndicesOnly) {
  EXPECT_EQ(derive_seed(1, "order", {2, 3}), derive_seed(1, "order", {2, 3}));
  const std::set<uint64_t> seeds = {
      derive_seed(1, "order"),         derive_seed(2, "order"),
      derive_seed(1, "dropout"),       derive_seed(1, "order", {0}),
      derive_seed(1, "order", {1}),    derive_seed(1, "order", {0, 1}),
      derive_seed(1, "order", {1, 0}), derive_seed(1, "order", {-1})};
  EXPECT_EQ(seeds.size(), 8U);
}

}  // namespace
}  // namespace brt
