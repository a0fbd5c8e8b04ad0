// SPDX-License-Identifier: Apache-2.0
// Bias and band against the rules of relative positions.
#include "ops/position_bias.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "config/position_bucket.h"
#include "support/jacobian.h"

namespace brt {
namespace {

TEST(PositionBias, TakesTheBucketOfEveryDistanceOldestKeyFirst) {
  for (const int64_t window : {1, 4, 40}) {
    const at::Tensor table_HU = random_tensor({2, 8}, 1);
    const at::Tensor bias_HW = position_bias(table_HU, window, /*max_distance=*/16);
    ASSERT_EQ(bias_HW.sizes(), at::IntArrayRef({2, window}));
    for (int64_t w = 0; w < window; ++w) {
      for (int64_t h = 0; h < 2; ++h) {
        EXPECT_EQ(bias_HW[h][w].item<double>(),
                  table_HU[h][position_bucket(window - w, 8, 16)].item<double>());
      }
    }
  }
}

TEST(PositionBias, GradientEqualsDifferences) {
  EXPECT_TRUE(gradients_match(
      [](const std::vector<at::Tensor>& in) { return position_bias(in[0], 20, 16); },
      {random_tensor({2, 8}, 1)}));
}

TEST(PositionBias, RefusesATableThatIsNoMatrix) {
  EXPECT_EQ(message_of<ShapeError>([] { position_bias(at::zeros({8}), 2, 16); }),
            "position_bias: table_HU must be [*, *], got [8]");
}

TEST(BiasOfPairs, GivesEachVisiblePairItsPlaceInTheWindow) {
  const at::Tensor bias_HW = random_tensor({2, 5}, 1);
  for (int64_t first = 0; first < 5; ++first) {
    const BlockRows rows = {.window = 5, .first_row = first, .rows = 5 - first};
    const at::Tensor bias_HRJ = bias_of_pairs(bias_HW, rows);
    ASSERT_EQ(bias_HRJ.sizes(), at::IntArrayRef({2, 5 - first, 10}));
    for (int64_t r = 0; r < rows.rows; ++r) {
      for (int64_t w = 0; w < 5; ++w) {
        EXPECT_TRUE(
            bit_equal(bias_HRJ.select(1, r).select(1, first + r + w), bias_HW.select(1, w)));
      }
    }
  }
}

TEST(BiasOfPairs, GradientEqualsDifferences) {
  EXPECT_TRUE(gradients_match(
      [](const std::vector<at::Tensor>& in) {
        return bias_of_pairs(in[0], {.window = 5, .first_row = 1, .rows = 3});
      },
      {random_tensor({2, 5}, 1)}));
}

}  // namespace
}  // namespace brt
