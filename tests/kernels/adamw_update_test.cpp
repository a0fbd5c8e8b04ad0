// SPDX-License-Identifier: Apache-2.0
// The AdamW kernel on its range and no further, for every length and place of a range.
#include "kernels/adamw_update.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace brt::kernels {
namespace {

constexpr AdamWFactors kFactors = {
    .gradient_scale = 0.5,
    .beta1 = 0.9,
    .beta2 = 0.95,
    .decay = 0.99,
    .denominator_scale = 2.0,
    .epsilon = 0.25,
    .rate = 0.125,
};

/// Numbers of one tensor, each array with other values.
struct Arrays {
  explicit Arrays(size_t size) {
    for (size_t i = 0; i < size; ++i) {
      const double x = static_cast<double>(i);
      gradient.push_back(std::sin(x));
      momentum.push_back(std::cos(0.7 * x));
      second_moment.push_back(1.1 + std::sin(0.3 * x));
      weight.push_back(0.01 * x - 0.2);
    }
  }
  std::vector<double> gradient;
  std::vector<double> momentum;
  std::vector<double> second_moment;
  std::vector<double> weight;
};

/// The formula for one element.
void update_element(Arrays& arrays, size_t i) {
  const double g = 0.5 * arrays.gradient[i];
  double& m = arrays.momentum[i];
  double& v = arrays.second_moment[i];
  m = 0.9 * m + 0.1 * g;
  v = 0.95 * v + 0.05 * g * g;
  arrays.weight[i] = 0.99 * arrays.weight[i] - 0.125 * m / (2.0 * std::sqrt(v) + 0.25);
}

void expect_near(const std::vector<double>& got, const std::vector<double>& want) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_NEAR(got[i], want[i], 1e-14) << "element " << i;
  }
}

TEST(AdamWUpdate, ChangesItsRangeByTheFormulaAndNothingElse) {
  constexpr int64_t kSize = 21;
  for (int64_t begin = 0; begin <= kSize; ++begin) {
    for (int64_t end = begin; end <= kSize; ++end) {
      Arrays got(kSize);
      Arrays want(kSize);
      const AdamWArrays<double> arrays = {got.gradient.data(), got.momentum.data(),
                                          got.second_moment.data(), got.weight.data()};
      adamw_update(arrays, kFactors, begin, end);
      for (int64_t i = begin; i < end; ++i) {
        update_element(want, static_cast<size_t>(i));
      }
      expect_near(got.momentum, want.momentum);
      expect_near(got.second_moment, want.second_moment);
      expect_near(got.weight, want.weight);
    }
  }
}

}  // namespace
}  // namespace brt::kernels
