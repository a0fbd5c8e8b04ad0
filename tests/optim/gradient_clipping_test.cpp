// SPDX-License-Identifier: Apache-2.0
// The global norm of gradients and clipping to it.
#include "optim/gradient_clipping.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include <ATen/ops/full.h>
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
  const std::vector<NamedParameter> parameters = {
      parameter_with_gradient("a", at::full({3}, 2.0)),
      parameter_with_gradient("b", at::full({2, 2}, 1.0)),
  };
  clip_gradients(parameters, gradient_norm(parameters), 1.0);
  EXPECT_NEAR(gradient_norm(parameters), 1.0, 1e-6);
  EXPECT_FLOAT_EQ(parameters[0].value.grad()[0].item<float>(), 0.5f);
}

TEST(GradientClipping, SmallerNormStaysBitEqual) {
  const std::vector<NamedParameter> parameters = {parameter_with_gradient("a", at::full({3}, 0.1))};
  clip_gradients(parameters, gradient_norm(parameters), 1.0);
  EXPECT_TRUE(parameters[0].value.grad().equal(at::full({3}, 0.1)));
}

TEST(GradientClipping, NormIsNotFiniteIfAnyGradientIsNot) {
  at::Tensor gradient = at::ones({40});
  gradient[33] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isnan(gradient_norm({parameter_with_gradient("a", gradient)})));
  gradient[33] = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(std::isinf(gradient_norm({parameter_with_gradient("a", gradient)})));
}

TEST(SumOfSquares, CountsEveryElementOfAnySize) {
  for (const int64_t size : {0, 1, 15, 16, 17, 1000}) {
    EXPECT_DOUBLE_EQ(sum_of_squares(at::full({size}, 0.5)), 0.25 * static_cast<double>(size));
  }
  EXPECT_DOUBLE_EQ(sum_of_squares(at::full({6, 4}, 0.5).t()), 6.0);
}

}  // namespace
}  // namespace brt
