// SPDX-License-Identifier: Apache-2.0
// The activation, element by element.
#include "engine/relu.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace brt {
namespace {

TEST(Relu, NegativeNumbersBecomeZero) {
  std::vector<float> x = {-1.0F, 2.0F, -0.0F, 0.5F, -1e-30F};
  relu(x);
  EXPECT_EQ(x, (std::vector<float>{0.0F, 2.0F, 0.0F, 0.5F, 0.0F}));
}

TEST(Relu, NanIsNotHidden) {
  std::vector<float> x = {std::numeric_limits<float>::quiet_NaN()};
  relu(x);
  EXPECT_TRUE(std::isnan(x[0]));
}

}  // namespace
}  // namespace brt
