// SPDX-License-Identifier: Apache-2.0
// Rotary positions against their formula.
#include "ops/rotary.h"

#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

#include "base/error.h"
#include "support/jacobian.h"

namespace brt {
namespace {

at::Tensor slow_rotary(const at::Tensor& x_BNHK, int64_t first_position) {
  at::Tensor y = at::zeros(x_BNHK.sizes(), at::kDouble);
  const int64_t half = x_BNHK.size(3) / 2;
  for (int64_t b = 0; b < x_BNHK.size(0); ++b) {
    for (int64_t n = 0; n < x_BNHK.size(1); ++n) {
      for (int64_t h = 0; h < x_BNHK.size(2); ++h) {
        for (int64_t j = 0; j < half; ++j) {
          const double exponent = 2.0 * static_cast<double>(j) / static_cast<double>(2 * half);
          const double angle = std::numbers::pi * static_cast<double>(first_position + n) /
                               std::pow(10000.0, exponent);
          const double first = x_BNHK[b][n][h][j].item<double>();
          const double second = x_BNHK[b][n][h][j + half].item<double>();
          y[b][n][h][j] = first * std::cos(angle) - second * std::sin(angle);
          y[b][n][h][j + half] = first * std::sin(angle) + second * std::cos(angle);
        }
      }
    }
  }
  return y;
}

TEST(Rotary, EqualsItsFormula) {
  for (const int64_t tokens : {0, 1, 5}) {
    for (const int64_t first : {-3, 0, 7}) {
      const at::Tensor x = random_tensor({2, tokens, 3, 4}, 1);
      EXPECT_TRUE(near(rotary(x, first), slow_rotary(x, first), tolerance::kFloat64));
      EXPECT_TRUE(
          near(rotary(non_contiguous(x), first), slow_rotary(x, first), tolerance::kFloat64));
    }
  }
}

TEST(Rotary, ScoresDependOnTheDifferenceOfPositionsOnly) {
  const at::Tensor query = random_tensor({1, 1, 1, 6}, 1);
  const at::Tensor key = random_tensor({1, 1, 1, 6}, 2);
  const at::Tensor near_origin = (rotary(query, 5) * rotary(key, 3)).sum();
  const at::Tensor far_away = (rotary(query, 105) * rotary(key, 103)).sum();
  const at::Tensor other = (rotary(query, 5) * rotary(key, 4)).sum();
  EXPECT_TRUE(near(far_away, near_origin, tolerance::kFloat64));
  EXPECT_FALSE(near(other, near_origin, 1e-3));
}

TEST(Rotary, KeepsLengths) {
  const at::Tensor x = random_tensor({1, 4, 2, 6}, 1);
  EXPECT_TRUE(near(rotary(x, 9).norm(2, -1), x.norm(2, -1), tolerance::kFloat64));
}

TEST(Rotary, GradientEqualsDifferences) {
  EXPECT_TRUE(gradients_match([](const std::vector<at::Tensor>& in) { return rotary(in[0], -2); },
                              {random_tensor({1, 3, 2, 4}, 1)}));
}

TEST(Rotary, BFloat16IsCloseToFloat32) {
  const at::Tensor x = random_tensor({1, 4, 2, 6}, 1, at::kFloat);
  const at::Tensor half = rotary(x.to(at::kBFloat16), 9);
  EXPECT_EQ(half.scalar_type(), at::kBFloat16);
  EXPECT_TRUE(near(half, rotary(x, 9), tolerance::kBFloat16));
}

TEST(Rotary, RefusesAnOddHeadSize) {
  EXPECT_EQ(message_of<ShapeError>([] { rotary(at::zeros({1, 1, 1, 3}), 0); }),
            "rotary: head size must be even, got 3");
}

TEST(Rotary, RefusesAnotherRank) {
  EXPECT_EQ(message_of<ShapeError>([] { rotary(at::zeros({1, 1, 4}), 0); }),
            "rotary: x_BNHK must be [*, *, *, *], got [1, 1, 4]");
}

}  // namespace
}  // namespace brt
