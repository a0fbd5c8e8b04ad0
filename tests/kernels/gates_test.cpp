// SPDX-License-Identifier: Apache-2.0
#include "kernels/gates.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/kernel_values.h"

namespace brt::kernels {
namespace {

class GatesKernel : public OnEachTarget {};

double exact_sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

template <class T>
void expect_exact_fixed_gate(int64_t rows, int64_t width) {
  const std::vector<float> state = normal_values<float>(rows * width, 1);
  const std::vector<T> candidate = normal_values<T>(rows * width, 2);
  const std::vector<float> out_gradient = normal_values<float>(rows * width, 3);
  std::vector<float> keep = normal_values<float>(width, 4);
  for (float& value : keep) {
    value = static_cast<float>(exact_sigmoid(value));
  }
  std::vector<float> out(state.size());
  std::vector<float> state_gradient(state.size());
  std::vector<T> candidate_gradient(state.size());
  std::vector<float> keep_gradient(keep.size(), 0.0F);
  fixed_gate(FixedGateArgs<T>{state.data(), candidate.data(), keep.data(), out.data(), width}, 0,
             rows);
  fixed_gate_backward(
      FixedGateBackwardArgs<T>{out_gradient.data(), state.data(), candidate.data(), keep.data(),
                               state_gradient.data(), candidate_gradient.data(),
                               keep_gradient.data(), width},
      0, rows);
  std::vector<double> want_keep_gradient(keep.size(), 0.0);
  for (size_t i = 0; i < state.size(); ++i) {
    const size_t d = i % keep.size();
    const double c = state[i];
    const double z = to_float(candidate[i]);
    const double g = keep[d];
    const double gradient = out_gradient[i];
    ASSERT_NEAR(out[i], c * g + z * (1.0 - g), 1e-6) << "element " << i << " of width " << width;
    ASSERT_NEAR(state_gradient[i], gradient * g, 1e-6);
    const double want = gradient * (1.0 - g);
    ASSERT_NEAR(to_float(candidate_gradient[i]), want,
                1e-6 + rounding_of(candidate.data()) * std::abs(want));
    want_keep_gradient[d] += gradient * (c - z);
  }
  for (size_t d = 0; d < keep.size(); ++d) {
    ASSERT_NEAR(keep_gradient[d], want_keep_gradient[d], 1e-5);
  }
}

template <class T>
void expect_exact_lstm_gate(int64_t size) {
  const std::vector<float> state = normal_values<float>(size, 1);
  const std::vector<T> candidate = normal_values<T>(size, 2);
  const std::vector<float> input = normal_values<float>(size, 3);
  const std::vector<float> forget = normal_values<float>(size, 4);
  const std::vector<float> out_gradient = normal_values<float>(size, 5);
  std::vector<float> out(state.size());
  std::vector<float> state_gradient(state.size());
  std::vector<T> candidate_gradient(state.size());
  std::vector<float> input_gradient(state.size());
  std::vector<float> forget_gradient(state.size());
  lstm_gate(
      LstmGateArgs<T>{state.data(), candidate.data(), input.data(), forget.data(), out.data()}, 0,
      size);
  lstm_gate_backward(
      LstmGateBackwardArgs<T>{out_gradient.data(), state.data(), candidate.data(), input.data(),
                              forget.data(), state_gradient.data(), candidate_gradient.data(),
                              input_gradient.data(), forget_gradient.data()},
      0, size);
  for (size_t j = 0; j < state.size(); ++j) {
    const double c = state[j];
    const double z = to_float(candidate[j]);
    const double i = exact_sigmoid(static_cast<double>(input[j]) - 1.0);
    const double f = exact_sigmoid(static_cast<double>(forget[j]) + 1.0);
    const double gradient = out_gradient[j];
    ASSERT_NEAR(out[j], c * f + z * i, 2e-6) << "element " << j << " of " << size;
    ASSERT_NEAR(state_gradient[j], gradient * f, 2e-6);
    ASSERT_NEAR(to_float(candidate_gradient[j]), gradient * i,
                2e-6 + rounding_of(candidate.data()) * std::abs(gradient * i));
    ASSERT_NEAR(input_gradient[j], gradient * z * i * (1.0 - i), 2e-6);
    ASSERT_NEAR(forget_gradient[j], gradient * c * f * (1.0 - f), 2e-6);
  }
}

TEST_P(GatesKernel, FixedGateEqualsItsFormulaAndGradients) {
  for (const int64_t rows : {0, 1, 5}) {
    for (const int64_t width : {1, 7, 33, 1000}) {
      expect_exact_fixed_gate<float>(rows, width);
      expect_exact_fixed_gate<Bfloat16>(rows, width);
    }
  }
}

TEST_P(GatesKernel, LstmGateEqualsItsFormulaAndGradients) {
  for (const int64_t size : {0, 1, 7, 33, 1000}) {
    expect_exact_lstm_gate<float>(size);
    expect_exact_lstm_gate<Bfloat16>(size);
  }
}

TEST_P(GatesKernel, LstmGateOpensAndShutsAtTheEndsOfFloat32) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::vector<float> one = {1.0F, 1.0F, 1.0F, 1.0F, 1.0F};
  const std::vector<float> zero(5, 0.0F);
  const std::vector<float> forget = {-kInfinity, -200.0F, 200.0F, kInfinity, std::nanf("")};
  std::vector<float> out(5);
  lstm_gate(LstmGateArgs<float>{one.data(), zero.data(), zero.data(), forget.data(), out.data()}, 0,
            5);
  EXPECT_NEAR(out[0], 0.0, 1e-37);
  EXPECT_NEAR(out[1], 0.0, 1e-37);
  EXPECT_EQ(out[2], 1.0F);
  EXPECT_EQ(out[3], 1.0F);
  EXPECT_TRUE(std::isnan(out[4]));
}

TEST_P(GatesKernel, SigmoidIsExactToFloat32OverItsWholeRange) {
  std::vector<float> forget;
  for (float x = -80.0F; x < 80.0F; x += 0.0371F) {
    forget.push_back(x);
  }
  const std::vector<float> one(forget.size(), 1.0F);
  const std::vector<float> zero(forget.size(), 0.0F);
  std::vector<float> out(forget.size());
  lstm_gate(LstmGateArgs<float>{one.data(), zero.data(), zero.data(), forget.data(), out.data()}, 0,
            static_cast<int64_t>(forget.size()));
  for (size_t i = 0; i < out.size(); ++i) {
    const float shifted = forget[i] + 1.0F;  // as the kernel adds: rounded
    const double want = exact_sigmoid(static_cast<double>(shifted));
    ASSERT_NEAR(out[i], want, 4e-7 * want) << "at " << forget[i];
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, GatesKernel, testing::ValuesIn(supported_targets()), target_name);

}  // namespace
}  // namespace brt::kernels
