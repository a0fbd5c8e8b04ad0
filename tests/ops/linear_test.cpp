// SPDX-License-Identifier: Apache-2.0
// The product with a weight matrix against a plain loop.
#include "ops/linear.h"

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <ATen/Parallel.h>

#include "base/error.h"
#include "ops/feed_forward.h"
#include "support/fused_case.h"
#include "support/jacobian.h"

namespace brt {
namespace {

at::Tensor slow_linear(const at::Tensor& x, const at::Tensor& weight) {
  at::Tensor y = at::zeros({x.size(0), weight.size(0)}, at::kDouble);
  for (int64_t row = 0; row < x.size(0); ++row) {
    for (int64_t out = 0; out < weight.size(0); ++out) {
      double sum = 0.0;
      for (int64_t in = 0; in < x.size(1); ++in) {
        sum += x[row][in].item<double>() * weight[out][in].item<double>();
      }
      y[row][out] = sum;
    }
  }
  return y;
}

TEST(Linear, EqualsAPlainLoopForAllSizes) {
  for (const int64_t rows : {0, 1, 3}) {
    for (const int64_t in : {1, 5}) {
      for (const int64_t out : {1, 4}) {
        const at::Tensor x = random_tensor({rows, in}, 1);
        const at::Tensor weight = random_tensor({out, in}, 2);
        EXPECT_TRUE(
            near(linear(x, weight, at::kDouble), slow_linear(x, weight), tolerance::kFloat64));
      }
    }
  }
}

TEST(Linear, KeepsLeadingAxesAndTakesAnyStrides) {
  const at::Tensor x = random_tensor({2, 3, 5}, 1);
  const at::Tensor weight = random_tensor({4, 5}, 2);
  const at::Tensor want = slow_linear(x.flatten(0, 1), weight).view({2, 3, 4});
  EXPECT_TRUE(near(linear(x, weight, at::kDouble), want, tolerance::kFloat64));
  EXPECT_TRUE(near(linear(non_contiguous(x), non_contiguous(weight), at::kDouble), want,
                   tolerance::kFloat64));
}

TEST(Linear, GradientEqualsDifferences) {
  EXPECT_TRUE(gradients_match(
      [](const std::vector<at::Tensor>& in) { return linear(in[0], in[1], at::kDouble); },
      {random_tensor({2, 3, 5}, 1), random_tensor({4, 5}, 2)}));
}

TEST(Linear, ComputesInTheGivenPrecision) {
  const at::Tensor x = random_tensor({3, 16}, 1, at::kFloat);
  const at::Tensor weight = random_tensor({4, 16}, 2, at::kFloat, 0.25);
  const at::Tensor half = linear(x, weight, at::kBFloat16);
  EXPECT_EQ(half.scalar_type(), at::kBFloat16);
  EXPECT_TRUE(near(half, linear(x, weight, at::kFloat), tolerance::kBFloat16));
}

TEST(Linear, GradientOfAFloat32WeightIsFloat32WithBFloat16Products) {
  const at::Tensor weight = random_tensor({4, 16}, 2, at::kFloat).requires_grad_();
  linear(random_tensor({3, 16}, 1, at::kFloat), weight, at::kBFloat16).sum().backward();
  EXPECT_EQ(weight.grad().scalar_type(), at::kFloat);
}

TEST(Linear, RefusesAWeightOfAnotherWidth) {
  EXPECT_EQ(
      message_of<ShapeError>([] { linear(at::zeros({2, 5}), at::zeros({4, 6}), at::kFloat); }),
      "linear: weight must be [*, 5], got [4, 6]");
}

class FusedLinear : public FusedTest {
 protected:
  double limit() const {
    return GetParam().dtype == at::kFloat ? 2 * tolerance::kFloat32 : tolerance::kBFloat16;
  }
};

struct Sizes {
  int64_t rows;
  int64_t in;
  std::vector<int64_t> outs;
};

const std::vector<Sizes>& fused_sizes() {
  static const std::vector<Sizes> sizes = {
      {0, 4, {3}},        {1, 1, {1}},          {1, 64, {130}}, {7, 33, {65, 1, 40}},
      {97, 40, {64, 64}}, {300, 129, {7, 100}}, {800, 8, {5}},
  };
  return sizes;
}

/// x, then the weights, as leaves whose values bfloat16 holds exactly; float64 for the reference.
std::vector<at::Tensor> leaves(const Sizes& sizes, at::ScalarType dtype) {
  const auto leaf = [&](at::IntArrayRef shape, uint64_t seed, double scale) {
    return random_tensor(shape, seed, at::kFloat, scale)
        .to(at::kBFloat16)
        .to(dtype)
        .requires_grad_();
  };
  std::vector<at::Tensor> tensors = {leaf({sizes.rows, sizes.in}, 1, 1.0)};
  for (size_t i = 0; i < sizes.outs.size(); ++i) {
    tensors.push_back(
        leaf({sizes.outs[i], sizes.in}, i + 2, 1.0 / std::sqrt(static_cast<double>(sizes.in))));
  }
  return tensors;
}

/// Outputs, then gradients of x and the weights, for fixed gradients of the outputs.
std::vector<at::Tensor> outputs_and_gradients(const std::vector<at::Tensor>& tensors,
                                              const std::vector<at::Tensor>& outputs) {
  at::Tensor sum = at::zeros({}, tensors[0].options());
  std::vector<at::Tensor> results;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const at::Tensor factor = random_tensor(outputs[i].sizes(), 50 + i, at::kFloat)
                                  .to(at::kBFloat16)
                                  .to(outputs[i].scalar_type());
    sum = sum + (outputs[i] * factor).sum().to(sum.scalar_type());
    results.push_back(outputs[i].detach());
  }
  sum.backward();
  for (const at::Tensor& tensor : tensors) {
    results.push_back(tensor.grad());
  }
  return results;
}

void expect_all_near(const std::vector<at::Tensor>& got,
                     const std::vector<at::Tensor>& want,
                     double limit) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_TRUE(near(got[i], want[i], limit)) << "result " << i;
  }
}

std::vector<WeightRef> weight_refs(const std::vector<at::Tensor>& tensors) {
  std::vector<WeightRef> weights;
  for (size_t i = 1; i < tensors.size(); ++i) {
    weights.emplace_back(tensors[i]);
  }
  return weights;
}

TEST_P(FusedLinear, GroupsEqualTheReferenceWithAllGradients) {
  for (const Sizes& sizes : fused_sizes()) {
    const std::vector<at::Tensor> fused = leaves(sizes, at::kFloat);
    const std::vector<at::Tensor> plain = leaves(sizes, at::kDouble);
    std::vector<at::Tensor> wanted;
    for (size_t i = 1; i < plain.size(); ++i) {
      wanted.push_back(linear_reference(plain[0], plain[i], at::kDouble));
    }
    expect_all_near(
        outputs_and_gradients(fused, linear_group(fused[0], weight_refs(fused), GetParam().dtype)),
        outputs_and_gradients(plain, wanted), limit());
  }
}

TEST_P(FusedLinear, ReluProjectionsEqualTheReferenceWithAllGradients) {
  const Sizes sizes = {50, 40, {70}};
  const std::vector<at::Tensor> fused = leaves(sizes, at::kFloat);
  const std::vector<at::Tensor> plain = leaves(sizes, at::kDouble);
  expect_all_near(outputs_and_gradients(fused, {linear_relu(fused[0], fused[1], GetParam().dtype)}),
                  outputs_and_gradients(plain, {linear_relu(plain[0], plain[1], at::kDouble)}),
                  limit());
}

TEST_P(FusedLinear, AddedProjectionsEqualTheReferenceWithAllGradients) {
  const Sizes sizes = {50, 40, {70}};
  std::vector<at::Tensor> fused = leaves(sizes, at::kFloat);
  std::vector<at::Tensor> plain = leaves(sizes, at::kDouble);
  fused.push_back(random_tensor({50, 70}, 9, at::kFloat).requires_grad_());
  plain.push_back(fused.back().detach().to(at::kDouble).requires_grad_());
  const at::Tensor sum = linear_add(fused[2], fused[0], fused[1], GetParam().dtype);
  EXPECT_EQ(sum.scalar_type(), at::kFloat);
  expect_all_near(
      outputs_and_gradients(fused, {sum}),
      outputs_and_gradients(plain, {linear_add(plain[2], plain[0], plain[1], at::kDouble)}),
      limit());
}

TEST_P(FusedLinear, FeedForwardEqualsTheReferenceWithAllGradients) {
  for (const int64_t rows : {1, 50, 800}) {
    const at::Tensor residual = random_tensor({rows, 70}, 1, at::kDouble);
    const at::Tensor x = random_tensor({rows, 40}, 2, at::kDouble);
    const at::Tensor up = random_tensor({130, 40}, 3, at::kDouble);
    const at::Tensor down = random_tensor({70, 130}, 4, at::kDouble);
    std::vector<at::Tensor> fused;
    std::vector<at::Tensor> plain;
    for (const at::Tensor& tensor : {residual, x, up, down}) {
      fused.push_back(tensor.to(at::kBFloat16).to(at::kFloat).requires_grad_());
      plain.push_back(fused.back().detach().to(at::kDouble).requires_grad_());
    }
    const at::Tensor sum =
        feed_forward_add(fused[0], fused[1], fused[2], fused[3], GetParam().dtype);
    EXPECT_EQ(sum.scalar_type(), at::kFloat);
    const at::Tensor wanted =
        plain[0] + at::matmul(at::relu(at::matmul(plain[1], plain[2].t())), plain[3].t());
    expect_all_near(outputs_and_gradients(fused, {sum}), outputs_and_gradients(plain, {wanted}),
                    limit());
  }
}

TEST_P(FusedLinear, KeptFormsFollowTheWeight) {
  const WeightRef weight(random_tensor({30, 20}, 1, at::kFloat), std::make_shared<PackedWeight>());
  const at::Tensor x = random_tensor({10, 20}, 2, at::kFloat);
  const at::Tensor before = linear(x, weight, GetParam().dtype);
  EXPECT_TRUE(bit_equal(linear(x, weight, GetParam().dtype), before));
  weight.weight.mul_(2.0);
  EXPECT_TRUE(bit_equal(linear(x, weight, GetParam().dtype), before * 2));
}

TEST_P(FusedLinear, OneAndTwoThreadsGiveEqualBits) {
  const int threads = at::get_num_threads();
  std::vector<std::vector<at::Tensor>> results;
  for (const int num_threads : {1, 2}) {
    at::set_num_threads(num_threads);
    const std::vector<at::Tensor> tensors = leaves({300, 129, {200, 100}}, at::kFloat);
    results.push_back(outputs_and_gradients(
        tensors, linear_group(tensors[0], weight_refs(tensors), GetParam().dtype)));
  }
  at::set_num_threads(threads);
  for (size_t i = 0; i < results[0].size(); ++i) {
    EXPECT_TRUE(bit_equal(results[0][i], results[1][i])) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, FusedLinear, testing::ValuesIn(fused_cases()), fused_case_name);

}  // namespace
}  // namespace brt
