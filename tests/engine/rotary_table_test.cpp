// SPDX-License-Identifier: Apache-2.0
// Rotations by position.
#include "engine/rotary_table.h"

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
