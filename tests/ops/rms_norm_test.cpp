// SPDX-License-Identifier: Apache-2.0
// RMS normalisation against its formula.
#include "ops/rms_norm.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"
#include "support/jacobian.h"

namespace brt {
namespace {

at::Tensor slow_rms_norm(const at::Tensor& x, const at::Tensor& gain) {
  at::Tensor y = at::zeros(x.sizes(), at::kDouble);
  for (int64_t row = 0; row < x.size(0); ++row) {
    double squares = 0.0;
    for (int64_t d = 0; d < x.size(1); ++d) {
      squares += std::pow(x[row][d].item<double>(), 2);
    }
    const double root = std::sqrt(squares / static_cast<double>(x.size(1)) + 1e-6);
    for (int64_t d = 0; d < x.size(1); ++d) {
      y[row][d] = x[row][d].item<double>() / root * gain[d].item<double>();
    }
  }
  return y;
}

TEST(RmsNorm, EqualsItsFormulaForAllSizes) {
  for (const int64_t rows : {0, 1, 4}) {
    for (const int64_t width : {1, 7}) {
      const at::Tensor x = random_tensor({rows, width}, 1);
      const at::Tensor gain = random_tensor({width}, 2);
      EXPECT_TRUE(near(rms_norm(x, gain), slow_rms_norm(x, gain), tolerance::kFloat64));
    }
  }
}

TEST(RmsNorm, TakesAnyStrides) {
  const at::Tensor x = random_tensor({4, 7}, 1);
  const at::Tensor gain = random_tensor({7}, 2);
  EXPECT_TRUE(near(rms_norm(non_contiguous(x), gain), slow_rms_norm(x, gain), tolerance::kFloat64));
}

TEST(RmsNorm, SmallNumbersFeelTheEpsilon) {
  const at::Tensor x = random_tensor({2, 5}, 1, at::kDouble, 1e-3);
  EXPECT_TRUE(near(rms_norm(x, at::ones({5}, at::kDouble)), slow_rms_norm(x, at::ones({5})),
                   tolerance::kFloat64));
  EXPECT_TRUE(bit_equal(rms_norm(at::zeros({1, 5}), at::ones({5})), at::zeros({1, 5})));
}

TEST(RmsNorm, GradientEqualsDifferences) {
  EXPECT_TRUE(
      gradients_match([](const std::vector<at::Tensor>& in) { return rms_norm(in[0], in[1]); },
                      {random_tensor({2, 2, 5}, 1), random_tensor({5}, 2)}));
}

TEST(RmsNorm, BFloat16InputGivesFloat32) {
  const at::Tensor x = random_tensor({3, 8}, 1, at::kBFloat16);
  const at::Tensor gain = random_tensor({8}, 2, at::kFloat);
  const at::Tensor y = rms_norm(x, gain);
  EXPECT_EQ(y.scalar_type(), at::kFloat);
  EXPECT_TRUE(near(y, slow_rms_norm(x.to(at::kDouble), gain), tolerance::kFloat32));
}

TEST(RmsNorm, RefusesAGainOfAnotherWidth) {
  EXPECT_EQ(message_of<ShapeError>([] { rms_norm(at::zeros({2, 5}), at::ones({4})); }),
            "rms_norm: gain must be [5], got [4]");
}

}  // namespace
}  // namespace brt
