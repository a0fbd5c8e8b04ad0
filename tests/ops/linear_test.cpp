// SPDX-License-Identifier: Apache-2.0
// The product with a weight matrix against a plain loop.
#include "ops/linear.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "support/jacobian.h"

namespace brt {
namespace {

at::Tensor slow_linear(const at::Tensor& x, const at::Tensor& weight) {
  at::Tensor y = at::zeros({x.size(0), weight.size(0)}, at::kDouble);
  for (int64_t row = 0; row < x.size(0); ++row) {
    for (int64_t out = 0; out < weight.size(0); ++out) {
      double sum = 0.0;
      for (int64_t in = 0; in < x.size(1); ++in) {
        sum += x[row][in].item<double>() * weight[out][in].item<double>();
      }
      y[row][out] = sum;
    }
  }
  return y;
}

TEST(Linear, EqualsAPlainLoopForAllSizes) {
  for (const int64_t rows : {0, 1, 3}) {
    for (const int64_t in : {1, 5}) {
      for (const int64_t out : {1, 4}) {
        const at::Tensor x = random_tensor({rows, in}, 1);
        const at::Tensor weight = random_tensor({out, in}, 2);
        EXPECT_TRUE(
            near(linear(x, weight, at::kDouble), slow_linear(x, weight), tolerance::kFloat64));
      }
    }
  }
}

TEST(Linear, KeepsLeadingAxesAndTakesAnyStrides) {
  const at::Tensor x = random_tensor({2, 3, 5}, 1);
  const at::Tensor weight = random_tensor({4, 5}, 2);
  const at::Tensor want = slow_linear(x.flatten(0, 1), weight).view({2, 3, 4});
  EXPECT_TRUE(near(linear(x, weight, at::kDouble), want, tolerance::kFloat64));
  EXPECT_TRUE(near(linear(non_contiguous(x), non_contiguous(weight), at::kDouble), want,
                   tolerance::kFloat64));
}

TEST(Linear, GradientEqualsDifferences) {
  EXPECT_TRUE(gradients_match(
      [](const std::vector<at::Tensor>& in) { return linear(in[0], in[1], at::kDouble); },
      {random_tensor({2, 3, 5}, 1), random_tensor({4, 5}, 2)}));
}

TEST(Linear, ComputesInTheGivenPrecision) {
  const at::Tensor x = random_tensor({3, 16}, 1, at::kFloat);
  const at::Tensor weight = random_tensor({4, 16}, 2, at::kFloat, 0.25);
  const at::Tensor half = linear(x, weight, at::kBFloat16);
  EXPECT_EQ(half.scalar_type(), at::kBFloat16);
  EXPECT_TRUE(near(half, linear(x, weight, at::kFloat), tolerance::kBFloat16));
}

TEST(Linear, GradientOfAFloat32WeightIsFloat32WithBFloat16Products) {
  const at::Tensor weight = random_tensor({4, 16}, 2, at::kFloat).requires_grad_();
  linear(random_tensor({3, 16}, 1, at::kFloat), weight, at::kBFloat16).sum().backward();
  EXPECT_EQ(weight.grad().scalar_type(), at::kFloat);
}

TEST(Linear, RefusesAWeightOfAnotherWidth) {
  EXPECT_EQ(
      message_of<ShapeError>([] { linear(at::zeros({2, 5}), at::zeros({4, 6}), at::kFloat); }),
      "linear: weight must be [*, 5], got [4, 6]");
}

}  // namespace
}  // namespace brt
