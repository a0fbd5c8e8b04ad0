// SPDX-License-Identifier: Apache-2.0
// Unit length against its formula.
#include "ops/unit_length.h"

#include <cmath>

#include <gtest/gtest.h>

#include "support/jacobian.h"

namespace brt {
namespace {

at::Tensor slow_unit_length(const at::Tensor& x) {
  at::Tensor y = at::zeros(x.sizes(), at::kDouble);
  for (int64_t row = 0; row < x.size(0); ++row) {
    double squares = 0.0;
    for (int64_t k = 0; k < x.size(1); ++k) {
      squares += std::pow(x[row][k].item<double>(), 2);
    }
    for (int64_t k = 0; k < x.size(1); ++k) {
      y[row][k] = x[row][k].item<double>() / std::sqrt(squares + 1e-6);
    }
  }
  return y;
}

TEST(UnitLength, EqualsItsFormulaForAllSizesAndStrides) {
  for (const int64_t rows : {0, 1, 4}) {
    for (const int64_t head_size : {1, 6}) {
      const at::Tensor x = random_tensor({rows, head_size}, 1);
      EXPECT_TRUE(near(unit_length(x), slow_unit_length(x), tolerance::kFloat64));
      EXPECT_TRUE(near(unit_length(non_contiguous(x)), slow_unit_length(x), tolerance::kFloat64));
    }
  }
}

TEST(UnitLength, SumsSquaresAndDoesNotAverageThem) {
  EXPECT_TRUE(near(unit_length(at::full({1, 4}, 2.0, at::kDouble)), at::full({1, 4}, 0.5), 1e-6));
}

TEST(UnitLength, SmallVectorsFeelTheEpsilonAndZeroStaysZero) {
  const at::Tensor x = random_tensor({2, 5}, 1, at::kDouble, 1e-3);
  EXPECT_TRUE(near(unit_length(x), slow_unit_length(x), tolerance::kFloat64));
  EXPECT_TRUE(bit_equal(unit_length(at::zeros({1, 5})), at::zeros({1, 5})));
}

TEST(UnitLength, GradientEqualsDifferences) {
  EXPECT_TRUE(gradients_match([](const std::vector<at::Tensor>& in) { return unit_length(in[0]); },
                              {random_tensor({2, 2, 5}, 1)}));
}

TEST(UnitLength, KeepsBFloat16) {
  const at::Tensor x = random_tensor({3, 8}, 1, at::kBFloat16);
  EXPECT_EQ(unit_length(x).scalar_type(), at::kBFloat16);
  EXPECT_TRUE(near(unit_length(x), slow_unit_length(x.to(at::kDouble)), tolerance::kBFloat16));
}

}  // namespace
}  // namespace brt
