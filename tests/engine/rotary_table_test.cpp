// SPDX-License-Identifier: Apache-2.0
// Rotations by position.
#include "engine/rotary_table.h"

#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

#include "engine/plain_model.h"
#include "engine/random_floats.h"
#include "support/tolerance.h"

namespace brt {
namespace {

std::vector<float> rotated(const RotaryTable& table,
                           const std::vector<float>& x,
                           int64_t position) {
  std::vector<float> out(x.size());
  table.rotate(x.data(), position, out.data());
  return out;
}

TEST(RotaryTable, RotatesPairsByTheirFrequency) {
  const RotaryTable table(/*head_size=*/10, /*num_positions=*/40);
  const std::vector<float> x = random_floats(10, 1);
  for (int64_t position = 0; position < 40; ++position) {
    const PlainVector wanted = plain_rotary({x.begin(), x.end()}, static_cast<double>(position));
    EXPECT_LT(worst_error(rotated(table, x, position), wanted), tolerance::kFloat32) << position;
  }
}

/// Those of float64 from the C library, rounded, though computed without it.
TEST(RotaryTable, HoldsTheLibrarysSinesAndCosines) {
  constexpr int64_t kHeadSize = 64;
  constexpr int64_t kPositions = 1024;
  const RotaryTable table(kHeadSize, kPositions);
  std::vector<float> x(kHeadSize, 0.0F);
  for (int64_t j = 0; j < kHeadSize / 2; ++j) {
    x[static_cast<size_t>(j)] = 1.0F;
    const double frequency =
        std::numbers::pi *
        std::pow(10000.0, -2.0 * static_cast<double>(j) / static_cast<double>(kHeadSize));
    for (int64_t position = 0; position < kPositions; ++position) {
      const double angle = static_cast<double>(position) * frequency;
      const std::vector<float> out = rotated(table, x, position);
      EXPECT_EQ(out[static_cast<size_t>(j)], static_cast<float>(std::cos(angle)));
      EXPECT_EQ(out[static_cast<size_t>(j + kHeadSize / 2)], static_cast<float>(std::sin(angle)));
    }
    x[static_cast<size_t>(j)] = 0.0F;
  }
}

TEST(RotaryTable, PositionZeroChangesNothing) {
  const RotaryTable table(8, 1);
  const std::vector<float> x = random_floats(8, 2);
  EXPECT_EQ(rotated(table, x, 0), x);
}

TEST(RotaryTable, ProductsDependOnTheDistanceOnly) {
  const RotaryTable table(8, 64);
  const std::vector<float> q = random_floats(8, 3);
  const std::vector<float> k = random_floats(8, 4);
  const auto product = [&](int64_t query_position, int64_t key_position) {
    const std::vector<float> query = rotated(table, q, query_position);
    const std::vector<float> key = rotated(table, k, key_position);
    return dot({query.begin(), query.end()}, {key.begin(), key.end()});
  };
  EXPECT_NEAR(product(40, 33), product(9, 2), 1e-5);
  EXPECT_GT(std::abs(product(40, 33) - product(40, 32)), 1e-3);
}

}  // namespace
}  // namespace brt
