// SPDX-License-Identifier: Apache-2.0
// Dropout masks: values, rate, seeds, gradient.
#include "ops/dropout.h"

#include <gtest/gtest.h>

#include "support/jacobian.h"

namespace brt {
namespace {

const at::TensorOptions kFloatOptions = at::TensorOptions().dtype(at::kFloat);

TEST(DropoutMask, HoldsZeroOrTheInverseOfWhatIsKept) {
  const at::Tensor mask = dropout_mask({1000}, 0.2, /*seed=*/1, kFloatOptions);
  const at::Tensor kept = mask.gt(0);
  EXPECT_TRUE(near(mask.masked_select(kept), at::full({kept.sum().item<int64_t>()}, 1.25), 1e-6));
  EXPECT_TRUE(mask.masked_select(kept.logical_not()).eq(0).all().item<bool>());
}

TEST(DropoutMask, DropsAtItsRate) {
  for (const double rate : {0.05, 0.5, 0.9}) {
    const at::Tensor mask = dropout_mask({100, 1000}, rate, /*seed=*/2, kFloatOptions);
    // Four standard deviations of 1e5 draws.
    EXPECT_NEAR(mask.eq(0).to(at::kDouble).mean().item<double>(), rate, 0.0064);
  }
}

TEST(DropoutMask, IsAFunctionOfTheSeed) {
  const at::Tensor mask = dropout_mask({100}, 0.5, 3, kFloatOptions);
  EXPECT_TRUE(bit_equal(dropout_mask({100}, 0.5, 3, kFloatOptions), mask));
  EXPECT_FALSE(bit_equal(dropout_mask({100}, 0.5, 4, kFloatOptions), mask));
}

TEST(DropoutMask, TakesTheDtypeAndShapeAskedFor) {
  const at::Tensor mask = dropout_mask({2, 0, 3}, 0.5, 3, kFloatOptions.dtype(at::kDouble));
  EXPECT_EQ(mask.scalar_type(), at::kDouble);
  EXPECT_EQ(mask.sizes(), at::IntArrayRef({2, 0, 3}));
}

TEST(Dropout, IsTheProductWithItsMask) {
  const at::Tensor x = random_tensor({4, 6}, 1, at::kFloat);
  const at::Tensor want = x * dropout_mask({4, 6}, 0.3, 5, kFloatOptions);
  EXPECT_TRUE(bit_equal(dropout(x, 0.3, uint64_t{5}), want));
  EXPECT_TRUE(bit_equal(dropout(non_contiguous(x), 0.3, uint64_t{5}), want));
}

TEST(Dropout, RateZeroIsTheInputItself) {
  const at::Tensor x = random_tensor({4, 6}, 1, at::kFloat);
  EXPECT_TRUE(dropout(x, 0.0, uint64_t{5}).is_same(x));
}

TEST(Dropout, GradientEqualsDifferences) {
  EXPECT_TRUE(gradients_match(
      [](const std::vector<at::Tensor>& in) { return dropout(in[0], 0.4, uint64_t{6}); },
      {random_tensor({3, 5}, 1)}));
}

}  // namespace
}  // namespace brt
