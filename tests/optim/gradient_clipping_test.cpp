// SPDX-License-Identifier: Apache-2.0
// The global norm of gradients and clipping to it.
#include "optim/gradient_clipping.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include <ATen/Parallel.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include "optim/sum_of_squares.h"

namespace brt {
namespace {

NamedParameter parameter_with_gradient(const std::string& name, const at::Tensor& gradient) {
  at::Tensor value = at::zeros(gradient.sizes());
  value.requires_grad_();
  value.mutable_grad() = gradient;
  return {name, value};
}

TEST(GradientClipping, NormIsOverAllTensorsTogether) {
  const std::vector<NamedParameter> parameters = {
      parameter_with_gradient("a", at::full({3}, 2.0)),
      parameter_with_gradient("b", at::full({2, 2}, 1.0)),
      {"without gradient", at::zeros({5})},
  };
  EXPECT_DOUBLE_EQ(gradient_norm(parameters), 4.0);
}

TEST(GradientClipping, LargerNormIsScaledToTheLimit) {
  const double norm = gradient_norm({parameter_with_gradient("a", at::full({4}, 2.0))});
  EXPECT_DOUBLE_EQ(norm * clip_factor(norm, 1.0), 1.0);
}

TEST(GradientClipping, SmallerNormOrNoLimitLeavesTheFactorAtOne) {
  EXPECT_EQ(clip_factor(0.5, 1.0), 1.0);
  EXPECT_EQ(clip_factor(1.0, 1.0), 1.0);
  EXPECT_EQ(clip_factor(100.0, 0.0), 1.0);
}

TEST(GradientClipping, NormIsNotFiniteIfAnyGradientIsNot) {
  at::Tensor gradient = at::ones({40});
  gradient[33] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isnan(gradient_norm({parameter_with_gradient("a", gradient)})));
  gradient[33] = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(std::isinf(gradient_norm({parameter_with_gradient("a", gradient)})));
}

TEST(SumOfSquares, CountsEveryElementOfAnySize) {
  for (const int64_t size : {0, 1, 15, 16, 17, 1000, 16384, 16385, 50001}) {
    EXPECT_DOUBLE_EQ(sum_of_squares(at::full({size}, 0.5)), 0.25 * static_cast<double>(size));
  }
  EXPECT_DOUBLE_EQ(sum_of_squares(at::full({6, 4}, 0.5).t()), 6.0);
}

TEST(SumOfSquares, TwoThreadsGiveTheBitsOfOne) {
  const int threads_before = at::get_num_threads();
  const at::Tensor values = at::linspace(-1.0, 3.0, 100003).sin_();
  at::set_num_threads(1);
  const double one = sum_of_squares(values);
  at::set_num_threads(2);
  const double two = sum_of_squares(values);
  at::set_num_threads(threads_before);
  EXPECT_EQ(one, two);
  EXPECT_NEAR(one, values.to(at::kDouble).square().sum().item<double>(), 1e-9 * one);
}

}  // namespace
}  // namespace brt
