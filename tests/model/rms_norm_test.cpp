// SPDX-License-Identifier: Apache-2.0
// RMS normalisation as a module.
#include "model/rms_norm.h"

#include <gtest/gtest.h>

#include "support/tensors.h"
#include "support/tolerance.h"

namespace brt {
namespace {

TEST(RmsNormModule, ScalesRowsOfUnitMeanSquareByItsGain) {
  RmsNorm module(4);
  ASSERT_EQ(module->named_parameters().keys(), std::vector<std::string>{"weight"});
  const at::NoGradGuard no_gradient;
  module->weight.copy_(at::tensor({1.0, 2.0, -1.0, 0.0}));
  const at::Tensor y =
      module->forward(at::tensor({3.0, 3.0, -3.0, 3.0}).to(at::kFloat).view({1, 4}));
  EXPECT_TRUE(near(y, at::tensor({1.0, 2.0, 1.0, 0.0}).view({1, 4}), 1e-6));
}

}  // namespace
}  // namespace brt
