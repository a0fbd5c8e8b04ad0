// SPDX-License-Identifier: Apache-2.0
// Softmax with a phantom entry against its formula, in rows of every kind.
#include "ops/phantom_softmax.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "config/model_constants.h"
#include "support/jacobian.h"

namespace brt {
namespace {

at::Tensor slow_phantom_softmax(const at::Tensor& logits_RJ) {
  at::Tensor p_RJ = at::zeros(logits_RJ.sizes(), at::kDouble);
  for (int64_t r = 0; r < logits_RJ.size(0); ++r) {
    double largest = -1000.0;
    for (int64_t j = 0; j < logits_RJ.size(1); ++j) {
      largest = std::max(largest, logits_RJ[r][j].item<double>());
    }
    double sum = std::exp(-1000.0 - largest);
    for (int64_t j = 0; j < logits_RJ.size(1); ++j) {
      sum += std::exp(logits_RJ[r][j].item<double>() - largest);
    }
    for (int64_t j = 0; j < logits_RJ.size(1); ++j) {
      p_RJ[r][j] = std::exp(logits_RJ[r][j].item<double>() - largest) / sum;
    }
  }
  return p_RJ;
}

TEST(PhantomSoftmax, EqualsItsFormulaForAllSizes) {
  for (const int64_t rows : {0, 1, 4}) {
    for (const int64_t keys : {1, 7}) {
      const at::Tensor logits = random_tensor({rows, keys}, 1, at::kDouble, 3.0);
      EXPECT_TRUE(near(phantom_softmax(logits), slow_phantom_softmax(logits), tolerance::kFloat64));
      EXPECT_TRUE(near(phantom_softmax(non_contiguous(logits)), slow_phantom_softmax(logits),
                       tolerance::kFloat64));
    }
  }
}

TEST(PhantomSoftmax, RowsThatSeeSomethingGiveTheOrdinarySoftmaxToTheLastBit) {
  const at::Tensor logits = random_tensor({5, 9}, 1, at::kFloat);
  EXPECT_TRUE(bit_equal(phantom_softmax(logits), at::softmax(logits, -1)));
}

TEST(PhantomSoftmax, RowsThatSeeNothingAreExactlyZero) {
  for (const at::ScalarType dtype : {at::kFloat, at::kDouble}) {
    const at::Tensor logits = at::full({2, 3}, kHiddenLogit, dtype);
    EXPECT_TRUE(bit_equal(phantom_softmax(logits), at::zeros({2, 3}, dtype)));
  }
}

TEST(PhantomSoftmax, ARowThatSeesNothingLeavesTheOthersBitEqual) {
  const at::Tensor logits = random_tensor({64, 33}, 1, at::kFloat, 4.0);
  const at::Tensor alone = phantom_softmax(logits.narrow(0, 1, 63));
  logits[0].fill_(kHiddenLogit);
  EXPECT_TRUE(bit_equal(phantom_softmax(logits).narrow(0, 1, 63), alone));
}

TEST(PhantomSoftmax, LogitsNearThePhantomShareWithIt) {
  const at::Tensor logits =
      at::tensor({-1000.0, -1000.0, kHiddenLogit, -999.0, -1003.0, -1001.0}, at::kDouble)
          .view({2, 3});
  EXPECT_TRUE(near(phantom_softmax(logits), slow_phantom_softmax(logits), tolerance::kFloat64));
  EXPECT_NEAR(phantom_softmax(logits)[0][0].item<double>(), 1.0 / 3.0, 1e-12);
}

TEST(PhantomSoftmax, GradientEqualsDifferences) {
  const DifferentiableOp op = [](const std::vector<at::Tensor>& in) {
    return phantom_softmax(in[0]);
  };
  EXPECT_TRUE(gradients_match(op, {random_tensor({3, 5}, 1)}));
  EXPECT_TRUE(gradients_match(op, {random_tensor({3, 5}, 1) - 1000.0}));
  const at::Tensor mixed = random_tensor({3, 5}, 1);
  mixed[1].sub_(1000.0);
  EXPECT_TRUE(gradients_match(op, {mixed}));
}

TEST(PhantomSoftmax, GradientOfARowThatSeesNothingIsZero) {
  const at::Tensor logits = at::full({1, 4}, kHiddenLogit, at::kFloat).requires_grad_();
  (phantom_softmax(logits) * random_tensor({1, 4}, 1, at::kFloat)).sum().backward();
  EXPECT_TRUE(bit_equal(logits.grad(), at::zeros({1, 4})));
}

}  // namespace
}  // namespace brt
