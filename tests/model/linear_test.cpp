// SPDX-License-Identifier: Apache-2.0
// The weight matrix as a module.
#include "model/linear.h"

#include <gtest/gtest.h>

#include "support/tensors.h"
#include "support/tolerance.h"

namespace brt {
namespace {

TEST(LinearModule, MultipliesByItsTransposedWeightAndHasNoBias) {
  Linear module(4, 3);
  ASSERT_EQ(module->named_parameters().keys(), std::vector<std::string>{"weight"});
  ASSERT_EQ(module->weight.sizes(), at::IntArrayRef({3, 4}));
  const at::NoGradGuard no_gradient;
  module->weight.copy_(random_tensor({3, 4}, 1));
  const at::Tensor x = random_tensor({2, 5, 4}, 2, at::kFloat);
  EXPECT_TRUE(near(module->forward(x, {}), at::matmul(x, module->weight.t()), tolerance::kFloat32));
  EXPECT_EQ(module->forward(x, {.dtype = at::kBFloat16}).scalar_type(), at::kBFloat16);
}

}  // namespace
}  // namespace brt
