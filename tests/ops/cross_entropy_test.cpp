// SPDX-License-Identifier: Apache-2.0
// Chunked cross-entropy against plain loops and against one piece.
#include "ops/cross_entropy.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <ATen/Parallel.h>

#include "base/error.h"
#include "kernels/cpu_target.h"
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
  EXPECT_EQ(message_of<ShapeError>([&] {
              weighted_cross_entropy(at::zeros({2, 4}), at::zeros({5, 4}), target, at::zeros({3}),
                                     at::kFloat);
            }),
            "cross_entropy: weight_R must be [2], got [3]");
  EXPECT_EQ(
      message_of<ShapeError>([] { tied_logits(at::zeros({3, 4}), at::zeros({5, 3}), at::kFloat); }),
      "tied_logits: embedding_VD must be [*, 4], got [5, 3]");
}

TEST(CrossEntropy, RefusesTargetsOutsideOfTheTable) {
  for (const bool needs_gradient : {false, true}) {
    const at::Tensor hidden = at::zeros({2, 4}).requires_grad_(needs_gradient);
    const at::Tensor embedding = at::zeros({5, 4});
    for (const int64_t wrong : {-1, 5}) {
      const at::Tensor target = at::full({2}, wrong, at::kLong);
      const std::string want = "cross_entropy: targets must lie in [0, 5), got " +
                               std::to_string(wrong) + " to " + std::to_string(wrong);
      EXPECT_EQ(
          message_of<ShapeError>([&] { cross_entropy(hidden, embedding, target, at::kFloat); }),
          want);
      for (const at::ScalarType dtype : {at::kFloat, at::kDouble}) {
        EXPECT_EQ(message_of<ShapeError>([&] {
                    weighted_cross_entropy(hidden, embedding, target, at::zeros({2}), dtype);
                  }),
                  want);
      }
    }
  }
}

/// Loss and gradients of one call.
struct Weighted {
  at::Tensor loss;
  at::Tensor hidden_gradient;
  at::Tensor embedding_gradient;
};

/// A problem of rows of which every third has weight 0.
struct WeightedProblem {
  WeightedProblem(int64_t rows, int64_t vocab_size, int64_t width)
      : hidden(random_tensor({rows, width}, 1, at::kFloat)),
        embedding(random_tensor({vocab_size, width}, 2, at::kFloat)),
        target(random_tokens({rows}, vocab_size, 3)),
        weight(random_tensor({rows}, 4, at::kFloat)) {
    weight.masked_fill_(at::arange(rows).remainder(3).eq(1), 0.0);
  }

  using Op = at::Tensor (*)(
      const at::Tensor&, const at::Tensor&, const at::Tensor&, const at::Tensor&, at::ScalarType);
  Weighted compute(Op op, at::ScalarType dtype, double incoming = 1.0) const {
    const at::Tensor x = hidden.detach().clone().requires_grad_();
    const at::Tensor table = embedding.detach().clone().requires_grad_();
    const at::Tensor loss = op(x, table, target, weight, dtype);
    const std::vector<at::Tensor> gradients =
        torch::autograd::grad({loss}, {x, table}, {at::full({}, incoming, loss.options())});
    return {loss.detach(), gradients[0], gradients[1]};
  }

  at::Tensor hidden;
  at::Tensor embedding;
  at::Tensor target;
  at::Tensor weight;
};

testing::AssertionResult weighted_near(const Weighted& got, const Weighted& want, double limit) {
  if (got.loss.scalar_type() != want.loss.scalar_type() || got.loss.dim() != 0) {
    return testing::AssertionFailure() << "the loss is not a scalar of the reference's dtype";
  }
  const testing::AssertionResult loss = near(got.loss, want.loss, limit);
  const testing::AssertionResult hidden = near(got.hidden_gradient, want.hidden_gradient, limit);
  const testing::AssertionResult table =
      near(got.embedding_gradient, want.embedding_gradient, limit);
  if (loss && hidden && table) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure()
         << "loss: " << loss.message() << "; hidden gradient: " << hidden.message()
         << "; embedding gradient: " << table.message();
}

bool bit_equal(const Weighted& a, const Weighted& b) {
  return at::equal(a.loss, b.loss) && at::equal(a.hidden_gradient, b.hidden_gradient) &&
         at::equal(a.embedding_gradient, b.embedding_gradient);
}

class FusedCrossEntropy : public testing::TestWithParam<kernels::CpuTarget> {
 protected:
  void SetUp() override { kernels::force_cpu_target(GetParam()); }
  void TearDown() override { kernels::force_cpu_target(kernels::supported_targets().back()); }
};

TEST_P(FusedCrossEntropy, EqualsTheReferenceForAllSizes) {
  for (const int64_t rows : {0, 1, 2, 7, 49, 200}) {
    for (const int64_t vocab_size : {1, 2, 63, 64, 255, 1000}) {
      for (const int64_t width : {1, 6, 65}) {
        const WeightedProblem problem(rows, vocab_size, width);
        const Weighted want = problem.compute(weighted_cross_entropy_reference, at::kFloat);
        EXPECT_TRUE(weighted_near(problem.compute(weighted_cross_entropy, at::kFloat), want,
                                  tolerance::kFloat32))
            << rows << " rows, " << vocab_size << " entries, width " << width;
        EXPECT_TRUE(weighted_near(problem.compute(weighted_cross_entropy, at::kBFloat16), want,
                                  tolerance::kBFloat16))
            << "bfloat16: " << rows << " rows, " << vocab_size << " entries, width " << width;
      }
    }
  }
}

TEST_P(FusedCrossEntropy, SeveralChunksAndDepthBlocksEqualTheReference) {
  const WeightedProblem problem(1900, 5000, 8);  // 1267 rows of weight other than 0: two chunks
  const Weighted want = problem.compute(weighted_cross_entropy_reference, at::kFloat);
  EXPECT_TRUE(weighted_near(problem.compute(weighted_cross_entropy, at::kFloat), want,
                            tolerance::kFloat32));
  EXPECT_TRUE(weighted_near(problem.compute(weighted_cross_entropy, at::kBFloat16), want,
                            tolerance::kBFloat16));
}

TEST_P(FusedCrossEntropy, RowsOfWeightZeroTakeNoPart) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    WeightedProblem problem(100, 70, 12);
    const Weighted want = problem.compute(weighted_cross_entropy, dtype);
    const at::Tensor unused_R = problem.weight.eq(0);
    for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
      problem.hidden.masked_fill_(unused_R.unsqueeze(1), bad);
      EXPECT_TRUE(bit_equal(problem.compute(weighted_cross_entropy, dtype), want));
      EXPECT_TRUE(weighted_near(problem.compute(weighted_cross_entropy_reference, dtype), want,
                                tolerance::kBFloat16));
    }
    EXPECT_EQ(want.hidden_gradient.index({unused_R}).abs().max().item<float>(), 0.0F);
    problem.weight.zero_();
    const Weighted nothing = problem.compute(weighted_cross_entropy, dtype);
    EXPECT_EQ(nothing.loss.item<float>(), 0.0F);
    EXPECT_EQ(nothing.hidden_gradient.abs().max().item<float>(), 0.0F);
    EXPECT_EQ(nothing.embedding_gradient.abs().max().item<float>(), 0.0F);
  }
}

TEST_P(FusedCrossEntropy, ANanInARowThatCountsReachesTheLoss) {
  WeightedProblem problem(10, 70, 12);
  problem.hidden[3][5] = std::nan("");
  EXPECT_TRUE(std::isnan(problem.compute(weighted_cross_entropy, at::kFloat).loss.item<float>()));
}

TEST_P(FusedCrossEntropy, OneThreadAndTwoAreBitEqual) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    const WeightedProblem problem(1900, 700, 40);
    const int threads_before = at::get_num_threads();
    at::set_num_threads(1);
    const Weighted one = problem.compute(weighted_cross_entropy, dtype);
    at::set_num_threads(2);
    const Weighted two = problem.compute(weighted_cross_entropy, dtype);
    at::set_num_threads(threads_before);
    EXPECT_TRUE(bit_equal(one, two));
  }
}

TEST_P(FusedCrossEntropy, GradientIsScaledByWhatComesIn) {
  const WeightedProblem problem(20, 70, 12);
  const Weighted once = problem.compute(weighted_cross_entropy, at::kFloat);
  const Weighted half = problem.compute(weighted_cross_entropy, at::kFloat, 0.5);
  EXPECT_TRUE(at::equal(half.hidden_gradient, once.hidden_gradient * 0.5));
  EXPECT_TRUE(at::equal(half.embedding_gradient, once.embedding_gradient * 0.5));
}

TEST_P(FusedCrossEntropy, ANearlyCertainRowLosesNoMoreThanTheLastBitOfOne) {
  WeightedProblem problem(1, 3, 1);
  problem.hidden = at::full({1, 1}, 6.0F);
  problem.embedding = at::tensor({1.0F, 0.0F, -1.0F}).unsqueeze(1);
  problem.target = at::zeros({1}, at::kLong);
  problem.weight = at::ones({1});
  const Weighted got = problem.compute(weighted_cross_entropy, at::kFloat);
  const double far = std::exp(-6.0);
  const double nats = std::log1p(far + far * far);
  constexpr double kLastBit = 1.2e-7;
  EXPECT_NEAR(got.loss.item<double>(), nats, kLastBit);
  // d loss / d embedding[0] = (softmax[0] - 1) * 6
  EXPECT_NEAR(got.embedding_gradient[0].item<double>(), std::expm1(-nats) * 6.0, 6.0 * kLastBit);
}

TEST_P(FusedCrossEntropy, NonContiguousOperandsGiveTheSame) {
  WeightedProblem problem(9, 70, 12);
  const Weighted want = problem.compute(weighted_cross_entropy, at::kFloat);
  const at::Tensor got =
      weighted_cross_entropy(non_contiguous(problem.hidden), non_contiguous(problem.embedding),
                             problem.target, problem.weight, at::kFloat);
  EXPECT_TRUE(at::equal(got, want.loss));
}

TEST_P(FusedCrossEntropy, TokenLossesWithoutGradientEqualThoseWithOne) {
  for (const int64_t rows : {0, 1, 49, 1300}) {
    const WeightedProblem problem(rows, 701, 33);
    const at::Tensor table = problem.embedding.detach().clone().requires_grad_();
    const at::Tensor want = cross_entropy(problem.hidden, table, problem.target, at::kFloat);
    const at::NoGradGuard no_gradient;
    const at::Tensor got = cross_entropy(problem.hidden, table, problem.target, at::kFloat);
    EXPECT_EQ(got.scalar_type(), at::kFloat);
    EXPECT_TRUE(near(got, want.detach(), tolerance::kFloat32));
    EXPECT_TRUE(near(cross_entropy(problem.hidden, table, problem.target, at::kBFloat16),
                     want.detach(), tolerance::kBFloat16));
  }
}

INSTANTIATE_TEST_SUITE_P(Targets,
                         FusedCrossEntropy,
                         testing::ValuesIn(kernels::supported_targets()),
                         [](const testing::TestParamInfo<kernels::CpuTarget>& target) {
                           return std::string(kernels::to_word(target.param));
                         });

TEST(WeightedCrossEntropy, GradientEqualsDifferences) {
  const at::Tensor target = random_tokens({4}, 9, 3);
  const at::Tensor weight = at::tensor({0.5, 0.0, -2.0, 1.0});
  EXPECT_TRUE(gradients_match(
      [&](const std::vector<at::Tensor>& in) {
        return weighted_cross_entropy(in[0], in[1], target, weight, at::kDouble);
      },
      {random_tensor({4, 6}, 1), random_tensor({9, 6}, 2)}));
}

}  // namespace
}  // namespace brt
