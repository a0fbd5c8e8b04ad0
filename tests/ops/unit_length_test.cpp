// SPDX-License-Identifier: Apache-2.0
// Unit length against its formula.
#include "ops/unit_length.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include <ATen/Parallel.h>

#include "support/jacobian.h"

namespace brt {
namespace {

at::Tensor slow_unit_length(const at::Tensor& x) {
  at::Tensor y = at::zeros(x.sizes(), at::kDouble);
  for (int64_t row = 0; row < x.size(0); ++row) {
    double squares = 0.0;
    for (int64_t k = 0; k < x.size(1); ++k) {
      squares += std::pow(x[row][k].item<double>(), 2);
    }
    for (int64_t k = 0; k < x.size(1); ++k) {
      y[row][k] = x[row][k].item<double>() / std::sqrt(squares + 1e-6);
    }
  }
  return y;
}

TEST(UnitLength, EqualsItsFormulaForAllSizesAndStrides) {
  for (const int64_t rows : {0, 1, 4}) {
    for (const int64_t head_size : {1, 6}) {
      const at::Tensor x = random_tensor({rows, head_size}, 1);
      EXPECT_TRUE(near(unit_length(x), slow_unit_length(x), tolerance::kFloat64));
      EXPECT_TRUE(near(unit_length(non_contiguous(x)), slow_unit_length(x), tolerance::kFloat64));
    }
  }
}

TEST(UnitLength, SumsSquaresAndDoesNotAverageThem) {
  EXPECT_TRUE(near(unit_length(at::full({1, 4}, 2.0, at::kDouble)), at::full({1, 4}, 0.5), 1e-6));
}

TEST(UnitLength, SmallVectorsFeelTheEpsilonAndZeroStaysZero) {
  const at::Tensor x = random_tensor({2, 5}, 1, at::kDouble, 1e-3);
  EXPECT_TRUE(near(unit_length(x), slow_unit_length(x), tolerance::kFloat64));
  EXPECT_TRUE(bit_equal(unit_length(at::zeros({1, 5})), at::zeros({1, 5})));
}

TEST(UnitLength, GradientEqualsDifferences) {
  EXPECT_TRUE(gradients_match([](const std::vector<at::Tensor>& in) { return unit_length(in[0]); },
                              {random_tensor({2, 2, 5}, 1)}));
}

TEST(UnitLength, KeepsBFloat16) {
  const at::Tensor x = random_tensor({3, 8}, 1, at::kBFloat16);
  EXPECT_EQ(unit_length(x).scalar_type(), at::kBFloat16);
  EXPECT_TRUE(near(unit_length(x), slow_unit_length(x.to(at::kDouble)), tolerance::kBFloat16));
}

struct ValueAndGradient {
  at::Tensor value;
  at::Tensor gradient;
};

template <class Op>
ValueAndGradient run(const Op& op, at::IntArrayRef sizes, at::ScalarType dtype) {
  const at::Tensor x = random_tensor(sizes, 1, dtype).requires_grad_();
  const at::Tensor y = op(x);
  y.backward(random_tensor(sizes, 2, dtype));
  return {y.detach(), x.grad()};
}

TEST(UnitLength, FusedFormEqualsTheReferenceWithItsGradient) {
  for (const int64_t rows : {0, 1, 5, 3000}) {
    for (const int64_t head_size : {1, 7, 32, 33, 64, 128}) {
      const std::vector<int64_t> sizes = {rows, 2, head_size};
      const ValueAndGradient got = run(unit_length, sizes, at::kFloat);
      const ValueAndGradient want = run(unit_length_reference, sizes, at::kFloat);
      EXPECT_TRUE(near(got.value, want.value, 1e-6));
      EXPECT_TRUE(near(got.gradient, want.gradient, 2e-6));
    }
  }
}

TEST(UnitLength, FusedFormRoundsBFloat16Once) {
  for (const int64_t head_size : {7, 33, 128}) {
    const std::vector<int64_t> sizes = {5, 2, head_size};
    const at::Tensor x = random_tensor(sizes, 1, at::kBFloat16);
    EXPECT_TRUE(bit_equal(unit_length(x), unit_length(x.to(at::kFloat)).to(at::kBFloat16)));
    const ValueAndGradient got = run(unit_length, sizes, at::kBFloat16);
    const ValueAndGradient want = run(unit_length_reference, sizes, at::kBFloat16);
    EXPECT_EQ(got.gradient.scalar_type(), at::kBFloat16);
    EXPECT_TRUE(near(got.value, want.value, 0x1p-8));
    EXPECT_TRUE(near(got.gradient, want.gradient, 0x1p-8));
  }
}

TEST(UnitLength, OneAndTwoThreadsGiveTheSameBits) {
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const ValueAndGradient one = run(unit_length, {5000, 33}, at::kBFloat16);
  at::set_num_threads(2);
  const ValueAndGradient two = run(unit_length, {5000, 33}, at::kBFloat16);
  at::set_num_threads(threads);
  EXPECT_TRUE(bit_equal(two.value, one.value));
  EXPECT_TRUE(bit_equal(two.gradient, one.gradient));
}

TEST(UnitLength, FusedFormTakesAnyStridesAndAnExpandedGradient) {
  const at::Tensor x = random_tensor({2, 4, 7}, 1, at::kFloat);
  EXPECT_TRUE(bit_equal(unit_length(non_contiguous(x)), unit_length(x)));
  const at::Tensor got_x = non_contiguous(x).requires_grad_();
  const at::Tensor want_x = x.detach().clone().requires_grad_();
  unit_length(got_x).sum().backward();
  unit_length_reference(want_x).sum().backward();
  EXPECT_TRUE(near(got_x.grad(), want_x.grad(), 2e-6));
}

}  // namespace
}  // namespace brt
