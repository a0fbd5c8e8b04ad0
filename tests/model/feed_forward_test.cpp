// SPDX-License-Identifier: Apache-2.0
// The two-layer feed-forward network.
#include "model/feed_forward.h"

#include <gtest/gtest.h>

#include "support/tensors.h"
#include "support/tolerance.h"

namespace brt {
namespace {

TEST(FeedForward, IsReluBetweenTwoMatrices) {
  FeedForward module(4, 7, 3);
  ASSERT_EQ(module->named_parameters().keys(),
            (std::vector<std::string>{"up.weight", "down.weight"}));
  const at::NoGradGuard no_gradient;
  module->up->weight.copy_(random_tensor({7, 4}, 1));
  module->down->weight.copy_(random_tensor({3, 7}, 2));
  const at::Tensor x = random_tensor({2, 4}, 3, at::kFloat);
  const at::Tensor hidden = module->hidden(x, {});
  EXPECT_TRUE(
      near(hidden, at::matmul(x, module->up->weight.t()).clamp_min(0), tolerance::kFloat32));
  EXPECT_TRUE(near(module->output(hidden, {}), at::matmul(hidden, module->down->weight.t()),
                   tolerance::kFloat32));
}

}  // namespace
}  // namespace brt
