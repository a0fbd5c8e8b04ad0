// SPDX-License-Identifier: Apache-2.0
// Chunked cross-entropy against plain loops and against one piece.
#include "ops/cross_entropy.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"
#include "support/jacobian.h"

namespace brt {
namespace {

at::Tensor slow_cross_entropy(const at::Tensor& hidden_RD,
                              const at::Tensor& embedding_VD,
                              const at::Tensor& target_R) {
  at::Tensor nats_R = at::zeros({hidden_RD.size(0)}, at::kDouble);
  const int64_t width = hidden_RD.size(1);
  for (int64_t r = 0; r < hidden_RD.size(0); ++r) {
    double sum = 0.0;
    double target_logit = 0.0;
    for (int64_t v = 0; v < embedding_VD.size(0); ++v) {
      double logit = 0.0;
      for (int64_t d = 0; d < width; ++d) {
        logit += hidden_RD[r][d].item<double>() * embedding_VD[v][d].item<double>();
      }
      logit /= std::sqrt(static_cast<double>(width));
      sum += std::exp(logit);
      if (v == target_R[r].item<int64_t>()) {
        target_logit = logit;
      }
    }
    nats_R[r] = std::log(sum) - target_logit;
  }
  return nats_R;
}

TEST(CrossEntropy, EqualsPlainLoopsForAllSizes) {
  for (const int64_t rows : {0, 1, 7}) {
    for (const int64_t vocab_size : {1, 11}) {
      const at::Tensor hidden = random_tensor({rows, 6}, 1);
      const at::Tensor embedding = random_tensor({vocab_size, 6}, 2);
      const at::Tensor target = random_tokens({rows}, vocab_size, 3);
      const at::Tensor want = slow_cross_entropy(hidden, embedding, target);
      EXPECT_TRUE(
          near(cross_entropy(hidden, embedding, target, at::kDouble), want, tolerance::kFloat64));
      EXPECT_TRUE(near(
          cross_entropy(non_contiguous(hidden), non_contiguous(embedding), target, at::kDouble),
          want, tolerance::kFloat64));
    }
  }
}

TEST(CrossEntropy, GradientEqualsDifferences) {
  const at::Tensor target = random_tokens({4}, 9, 3);
  EXPECT_TRUE(gradients_match(
      [&](const std::vector<at::Tensor>& in) {
        return cross_entropy(in[0], in[1], target, at::kDouble);
      },
      {random_tensor({4, 6}, 1), random_tensor({9, 6}, 2)}));
}

TEST(CrossEntropy, SeveralChunksEqualOnePiece) {
  // At this vocabulary a chunk has 64 rows: two whole ones and a tail of one row.
  const int64_t vocab_size = int64_t{1} << 17;
  const at::Tensor target = random_tokens({129}, vocab_size, 3);
  const at::Tensor weight = random_tensor({129}, 4, at::kFloat);
  const at::Tensor hidden = random_tensor({129, 2}, 1, at::kFloat).requires_grad_();
  const at::Tensor embedding = random_tensor({vocab_size, 2}, 2, at::kFloat).requires_grad_();
  const at::Tensor chunked = cross_entropy(hidden, embedding, target, at::kFloat);
  const std::vector<at::Tensor> gradients =
      torch::autograd::grad({(chunked * weight).sum()}, {hidden, embedding});
  const at::Tensor logits = at::matmul(hidden, embedding.t()) / std::sqrt(2.0);
  const at::Tensor whole =
      at::log_softmax(logits, 1).gather(1, target.unsqueeze(1)).squeeze(1).neg();
  const std::vector<at::Tensor> want =
      torch::autograd::grad({(whole * weight).sum()}, {hidden, embedding});
  EXPECT_TRUE(near(chunked, whole, tolerance::kFloat32));
  EXPECT_TRUE(near(gradients[0], want[0], tolerance::kFloat32));
  EXPECT_TRUE(near(gradients[1], want[1], tolerance::kFloat32));
}

TEST(CrossEntropy, BFloat16ProductsAreCloseToFloat32) {
  const at::Tensor hidden = random_tensor({5, 16}, 1, at::kFloat);
  const at::Tensor embedding = random_tensor({9, 16}, 2, at::kFloat);
  const at::Tensor target = random_tokens({5}, 9, 3);
  const at::Tensor half = cross_entropy(hidden, embedding, target, at::kBFloat16);
  EXPECT_EQ(half.scalar_type(), at::kFloat);
  EXPECT_TRUE(
      near(half, cross_entropy(hidden, embedding, target, at::kFloat), tolerance::kBFloat16));
}

TEST(CrossEntropy, LogitsAreScaledByTheRootOfTheWidth) {
  const at::Tensor hidden = at::full({1, 4}, 3.0);
  const at::Tensor logits = tied_logits(hidden, at::ones({2, 4}), at::kFloat);
  EXPECT_TRUE(bit_equal(logits, at::full({1, 2}, 6.0)));
  EXPECT_TRUE(
      near(tied_logits(random_tensor({2, 3, 4}, 1, at::kFloat), at::ones({2, 4}), at::kBFloat16),
           tied_logits(random_tensor({2, 3, 4}, 1, at::kFloat), at::ones({2, 4}), at::kFloat),
           tolerance::kBFloat16));
}

TEST(CrossEntropy, GradientOfLogitsEqualsDifferences) {
  EXPECT_TRUE(gradients_match(
      [](const std::vector<at::Tensor>& in) { return tied_logits(in[0], in[1], at::kDouble); },
      {random_tensor({2, 2, 3}, 1), random_tensor({5, 3}, 2)}));
}

TEST(CrossEntropy, RefusesSizesThatDisagree) {
  const at::Tensor target = at::zeros({2}, at::kLong);
  EXPECT_EQ(message_of<ShapeError>(
                [&] { cross_entropy(at::zeros({2, 3}), at::zeros({5, 4}), target, at::kFloat); }),
            "cross_entropy: hidden_RD must be [*, 4], got [2, 3]");
  EXPECT_EQ(message_of<ShapeError>(
                [&] { cross_entropy(at::zeros({3, 4}), at::zeros({5, 4}), target, at::kFloat); }),
            "cross_entropy: target_R must be [3], got [2]");
  EXPECT_EQ(
      message_of<ShapeError>([] { tied_logits(at::zeros({3, 4}), at::zeros({5, 3}), at::kFloat); }),
      "tied_logits: embedding_VD must be [*, 4], got [5, 3]");
}

}  // namespace
}  // namespace brt
