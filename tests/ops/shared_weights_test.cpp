// SPDX-License-Identifier: Apache-2.0
// Gradients of weights that one graph uses several times, against those of each use added up.
#include "ops/shared_weights.h"

#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include "ops/feed_forward.h"
#include "ops/linear.h"
#include "support/fused_case.h"
#include "support/jacobian.h"

namespace brt {
namespace {

constexpr int64_t kIn = 40;
constexpr int64_t kHidden = 130;
constexpr int64_t kOut = 70;

at::Tensor leaf(at::IntArrayRef shape, uint64_t seed) {
  return random_tensor(shape, seed, at::kFloat, 0.25).to(at::kBFloat16).to(at::kFloat);
}

/// Two weights of the same input, and a feed-forward network.
struct Weights {
  explicit Weights(bool is_shared = true) : shares(is_shared) {
    const std::vector<std::vector<int64_t>> shapes = {
        {kOut, kIn}, {kIn, kIn}, {kHidden, kIn}, {kIn, kHidden}};
    for (size_t i = 0; i < shapes.size(); ++i) {
      refs.emplace_back(leaf(shapes[i], i + 1).requires_grad_(), std::make_shared<PackedWeight>());
    }
  }
  /// For the uses of one forward pass.
  std::vector<WeightRef> of_pass() const {
    std::vector<WeightRef> given = refs;
    if (shares) {
      const auto uses = std::make_shared<WeightUses>();
      for (WeightRef& ref : given) {
        ref.uses = uses;
      }
    }
    return given;
  }
  void forget_gradients() const {
    for (const WeightRef& ref : refs) {
      ref.weight.mutable_grad().reset();
    }
  }
  bool shares;
  std::vector<WeightRef> refs;
};

/// Blocks that read each other's results with the same weights. Only the first projection of each
/// block's pair, and of the last block nothing else, leads to the loss.
at::Tensor recurrent_loss(const Weights& weights, int64_t rows, int blocks, at::ScalarType dtype) {
  const std::vector<WeightRef> refs = weights.of_pass();
  at::Tensor state = leaf({rows, kIn}, 10);
  at::Tensor loss = at::zeros({});
  for (int block = 0; block < blocks; ++block) {
    const std::vector<at::Tensor> projections = linear_group(state, {refs[0], refs[1]}, dtype);
    const at::Tensor factor = leaf(projections[0].sizes(), 20 + static_cast<uint64_t>(block));
    loss = loss + (projections[0].to(at::kFloat) * factor).sum();
    state = feed_forward_add(state, projections[1], refs[2], refs[3], dtype);
  }
  return loss;
}

class SharedWeightsTest : public FusedTest {
 protected:
  double limit() const {
    return GetParam().dtype == at::kFloat ? 2 * tolerance::kFloat32 : tolerance::kBFloat16;
  }
};

TEST_P(SharedWeightsTest, GradientsOfManyUsesAreTheSumsOfEach) {
  for (const int64_t rows : {3, 900}) {  // the sums wait for 2048 rows
    const Weights shared;
    const Weights apart(/*is_shared=*/false);
    recurrent_loss(shared, rows, /*blocks=*/4, GetParam().dtype).backward();
    recurrent_loss(apart, rows, /*blocks=*/4, GetParam().dtype).backward();
    for (size_t i = 0; i < shared.refs.size(); ++i) {
      EXPECT_TRUE(
          near(shared.refs[i].weight.grad(), apart.refs[i].weight.grad(), 4 * tolerance::kFloat32))
          << rows << " rows, weight " << i;
    }
  }
}

TEST_P(SharedWeightsTest, EachBackwardPassGivesItsOwnGraphsGradients) {
  const Weights weights;
  recurrent_loss(weights, 5, /*blocks=*/3, GetParam().dtype).backward();
  const at::Tensor once = weights.refs[2].weight.grad().clone();
  recurrent_loss(weights, 5, /*blocks=*/3, GetParam().dtype).backward();
  EXPECT_TRUE(bit_equal(weights.refs[2].weight.grad(), once * 2));

  // Two graphs at once; then one of them twice.
  weights.forget_gradients();
  const at::Tensor first = recurrent_loss(weights, 5, /*blocks=*/3, GetParam().dtype);
  const at::Tensor second = recurrent_loss(weights, 5, /*blocks=*/3, GetParam().dtype);
  second.backward();
  EXPECT_TRUE(bit_equal(weights.refs[2].weight.grad(), once));
  first.backward(/*gradient=*/{}, /*retain_graph=*/true);
  first.backward();
  EXPECT_TRUE(near(weights.refs[2].weight.grad(), once * 3, tolerance::kFloat32));
}

TEST_P(SharedWeightsTest, AChangedWeightIsReadAnew) {
  const Weights weights;
  const at::Tensor before = recurrent_loss(weights, 5, /*blocks=*/2, GetParam().dtype).detach();
  weights.refs[0].weight.detach().mul_(2.0);
  EXPECT_TRUE(near(recurrent_loss(weights, 5, /*blocks=*/2, GetParam().dtype), before * 2,
                   tolerance::kFloat32));
}

TEST_P(SharedWeightsTest, OtherUsesOfTheWeightAddTheirGradients) {
  const Weights weights;
  const at::Tensor& weight = weights.refs[0].weight;
  linear(leaf({5, kIn}, 10), weights.of_pass()[0], GetParam().dtype).sum().backward();
  const at::Tensor mapped = weight.grad().clone();
  weights.forget_gradients();
  (linear(leaf({5, kIn}, 10), weights.of_pass()[0], GetParam().dtype).sum() + 3 * weight.sum())
      .backward();
  EXPECT_TRUE(near(weight.grad(), mapped + 3, tolerance::kFloat32));
}

TEST_P(SharedWeightsTest, ProjectionsAndFeedForwardNetworksMayUseOneWeight) {
  const Weights shared;
  const Weights apart(/*is_shared=*/false);
  for (const Weights* weights : {&shared, &apart}) {
    const std::vector<WeightRef> refs = weights->of_pass();
    const at::Tensor x = leaf({5, kIn}, 10);
    const at::Tensor sum = feed_forward_add(x, x, refs[2], refs[3], GetParam().dtype);
    const at::Tensor mapped = linear(leaf({6, kHidden}, 11), refs[3], GetParam().dtype);
    (sum.square().sum() + mapped.to(at::kFloat).square().sum()).backward();
  }
  EXPECT_TRUE(
      near(shared.refs[3].weight.grad(), apart.refs[3].weight.grad(), 4 * tolerance::kFloat32));
}

TEST_P(SharedWeightsTest, OnlyWantedGradientsAreComputed) {
  const Weights weights;
  const at::Tensor x = leaf({5, kIn}, 10).requires_grad_();
  const at::Tensor loss = linear(x, weights.of_pass()[0], GetParam().dtype).sum();
  const std::vector<at::Tensor> found =
      torch::autograd::grad({loss}, {x}, /*grad_outputs=*/{}, /*retain_graph=*/true);
  EXPECT_EQ(found.front().sizes(), x.sizes());
  EXPECT_FALSE(weights.refs[0].weight.grad().defined());
  loss.backward();
  const at::Tensor want = at::ones({kOut, 5}).matmul(x.detach());
  EXPECT_TRUE(near(weights.refs[0].weight.grad(), want, limit()));
}

TEST_P(SharedWeightsTest, NothingOutlivesTheGraphAndTheWeights) {
  std::weak_ptr<PackedWeight> packed;
  std::weak_ptr<WeightUses> uses;
  {
    const Weights weights;
    packed = weights.refs[0].packed;
    recurrent_loss(weights, 5, /*blocks=*/2, GetParam().dtype).backward();
    at::Tensor sum;
    {
      const std::vector<WeightRef> refs = weights.of_pass();
      uses = refs[0].uses;
      sum = linear(leaf({5, kIn}, 10), refs[0], GetParam().dtype).sum();
    }
    EXPECT_TRUE(uses.expired());  // the graph needs the node alone
    weights.forget_gradients();
    sum.backward();
    EXPECT_TRUE(weights.refs[0].weight.grad().defined());
  }
  EXPECT_TRUE(packed.expired());
}

TEST(SharedWeights, APassHasOneNodeForEachGroupAndFormAndAnotherPassOthers) {
  const Weights weights;
  const std::vector<WeightRef> pass = weights.of_pass();
  const std::vector<WeightRef> other_pass = weights.of_pass();
  const SharedWeights first = shared_weights({pass[0], pass[1]});
  EXPECT_TRUE(first.has_node);
  EXPECT_TRUE(first.weights[0].is_alias_of(weights.refs[0].weight));
  EXPECT_EQ(shared_weights({pass[0], pass[1]}).sum, first.sum);
  EXPECT_NE(shared_weights({pass[0]}).sum, first.sum);
  EXPECT_NE(shared_weights({pass[0], pass[1]}, WeightGradientSum::Form::kTransposed).sum,
            first.sum);
  EXPECT_NE(shared_weights({other_pass[0], other_pass[1]}).sum, first.sum);
  EXPECT_EQ(shared_weights({pass[0], pass[1]}).sum, first.sum);
}

TEST(SharedWeights, WithoutAPassOrWithoutGradientsNothingIsShared) {
  const Weights weights;
  EXPECT_FALSE(shared_weights({weights.refs[0]}).has_node);  // though its forms are kept
  const at::NoGradGuard no_gradient;
  EXPECT_FALSE(shared_weights({weights.of_pass()[0]}).has_node);
}

TEST_P(SharedWeightsTest, OneAndTwoThreadsGiveEqualBits) {
  const int threads = at::get_num_threads();
  std::vector<Weights> results;
  for (const int num_threads : {1, 2}) {
    at::set_num_threads(num_threads);
    results.emplace_back();
    recurrent_loss(results.back(), 900, /*blocks=*/4, GetParam().dtype).backward();
  }
  at::set_num_threads(threads);
  for (size_t i = 0; i < results[0].refs.size(); ++i) {
    EXPECT_TRUE(bit_equal(results[0].refs[i].weight.grad(), results[1].refs[i].weight.grad())) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Targets,
                         SharedWeightsTest,
                         testing::ValuesIn(fused_cases()),
                         fused_case_name);

}  // namespace
}  // namespace brt
