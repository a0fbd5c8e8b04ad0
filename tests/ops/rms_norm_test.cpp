// SPDX-License-Identifier: Apache-2.0
// RMS normalisation against its formula.
#include "ops/rms_norm.h"

#include <cmath>

#include <gtest/gtest.h>

#include <ATen/Parallel.h>

#include "base/error.h"
#include "support/jacobian.h"

namespace brt {
namespace {

at::Tensor slow_rms_norm(const at::Tensor& x, const at::Tensor& gain) {
  at::Tensor y = at::zeros(x.sizes(), at::kDouble);
  for (int64_t row = 0; row < x.size(0); ++row) {
    double squares = 0.0;
    for (int64_t d = 0; d < x.size(1); ++d) {
      squares += std::pow(x[row][d].item<double>(), 2);
    }
    const double root = std::sqrt(squares / static_cast<double>(x.size(1)) + 1e-6);
    for (int64_t d = 0; d < x.size(1); ++d) {
      y[row][d] = x[row][d].item<double>() / root * gain[d].item<double>();
    }
  }
  return y;
}

TEST(RmsNorm, EqualsItsFormulaForAllSizes) {
  for (const int64_t rows : {0, 1, 4}) {
    for (const int64_t width : {1, 7}) {
      const at::Tensor x = random_tensor({rows, width}, 1);
      const at::Tensor gain = random_tensor({width}, 2);
      EXPECT_TRUE(near(rms_norm(x, gain), slow_rms_norm(x, gain), tolerance::kFloat64));
    }
  }
}

TEST(RmsNorm, TakesAnyStrides) {
  const at::Tensor x = random_tensor({4, 7}, 1);
  const at::Tensor gain = random_tensor({7}, 2);
  EXPECT_TRUE(near(rms_norm(non_contiguous(x), gain), slow_rms_norm(x, gain), tolerance::kFloat64));
}

TEST(RmsNorm, SmallNumbersFeelTheEpsilon) {
  const at::Tensor x = random_tensor({2, 5}, 1, at::kDouble, 1e-3);
  EXPECT_TRUE(near(rms_norm(x, at::ones({5}, at::kDouble)), slow_rms_norm(x, at::ones({5})),
                   tolerance::kFloat64));
  EXPECT_TRUE(bit_equal(rms_norm(at::zeros({1, 5}), at::ones({5})), at::zeros({1, 5})));
}

TEST(RmsNorm, GradientEqualsDifferences) {
  EXPECT_TRUE(
      gradients_match([](const std::vector<at::Tensor>& in) { return rms_norm(in[0], in[1]); },
                      {random_tensor({2, 2, 5}, 1), random_tensor({5}, 2)}));
}

TEST(RmsNorm, BFloat16InputGivesFloat32) {
  const at::Tensor x = random_tensor({3, 8}, 1, at::kBFloat16);
  const at::Tensor gain = random_tensor({8}, 2, at::kFloat);
  const at::Tensor y = rms_norm(x, gain);
  EXPECT_EQ(y.scalar_type(), at::kFloat);
  EXPECT_TRUE(near(y, slow_rms_norm(x.to(at::kDouble), gain), tolerance::kFloat32));
}

/// A result, and the gradients for a random one of the result.
struct Gradients {
  at::Tensor out;
  at::Tensor x;
  at::Tensor gain;
};

template <class Norm>
Gradients gradients_of(const Norm& norm, int64_t rows, int64_t width, at::ScalarType out_dtype) {
  const at::Tensor x = random_tensor({rows, width}, 1, at::kFloat).requires_grad_();
  const at::Tensor gain = random_tensor({width}, 2, at::kFloat).requires_grad_();
  const at::Tensor out = norm(x, gain, out_dtype);
  out.backward(random_tensor({rows, width}, 3, out_dtype));
  return {out.detach(), x.grad(), gain.grad()};
}

TEST(RmsNorm, FusedFormEqualsTheReferenceWithItsGradients) {
  for (const int64_t rows : {0, 1, 5, 200}) {
    for (const int64_t width : {1, 7, 33, 1000}) {
      const Gradients got = gradients_of(rms_norm, rows, width, at::kFloat);
      const Gradients want = gradients_of(rms_norm_reference, rows, width, at::kFloat);
      EXPECT_TRUE(near(got.out, want.out, 1e-6));
      EXPECT_TRUE(near(got.x, want.x, 2e-6));
      EXPECT_TRUE(near(got.gain, want.gain, tolerance::kFloat32));
    }
  }
}

TEST(RmsNorm, BFloat16ResultIsTheFloat32ResultRoundedOnce) {
  for (const int64_t width : {1, 7, 33, 1000}) {
    const Gradients wide = gradients_of(rms_norm, 5, width, at::kFloat);
    const Gradients got = gradients_of(rms_norm, 5, width, at::kBFloat16);
    const Gradients want = gradients_of(rms_norm_reference, 5, width, at::kBFloat16);
    EXPECT_TRUE(bit_equal(got.out, wide.out.to(at::kBFloat16)));
    EXPECT_EQ(got.x.scalar_type(), at::kFloat);
    EXPECT_TRUE(near(got.x, want.x, 2e-6));
    EXPECT_TRUE(near(got.gain, want.gain, tolerance::kFloat32));
  }
}

TEST(RmsNorm, OneAndTwoThreadsGiveTheSameBits) {
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const Gradients one = gradients_of(rms_norm, 333, 1000, at::kFloat);
  at::set_num_threads(2);
  const Gradients two = gradients_of(rms_norm, 333, 1000, at::kFloat);
  at::set_num_threads(threads);
  EXPECT_TRUE(bit_equal(two.out, one.out));
  EXPECT_TRUE(bit_equal(two.x, one.x));
  EXPECT_TRUE(bit_equal(two.gain, one.gain));
}

TEST(RmsNorm, FusedFormTakesAnyStridesAndAnExpandedGradient) {
  const at::Tensor x = random_tensor({2, 4, 7}, 1, at::kFloat);
  const at::Tensor gain = random_tensor({7}, 2, at::kFloat);
  EXPECT_TRUE(bit_equal(rms_norm(non_contiguous(x), gain), rms_norm(x, gain)));
  const at::Tensor got_x = non_contiguous(x).requires_grad_();
  const at::Tensor want_x = x.detach().clone().requires_grad_();
  rms_norm(got_x, gain).sum().backward();
  rms_norm_reference(want_x, gain).sum().backward();
  EXPECT_TRUE(near(got_x.grad(), want_x.grad(), 2e-6));
}

TEST(RmsNorm, RefusesAGainOfAnotherWidth) {
  EXPECT_EQ(message_of<ShapeError>([] { rms_norm(at::zeros({2, 5}), at::ones({4})); }),
            "rms_norm: gain must be [5], got [4]");
}

}  // namespace
}  // namespace brt
