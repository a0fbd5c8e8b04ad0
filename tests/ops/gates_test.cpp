// SPDX-License-Identifier: Apache-2.0
// The gates against their formulas.
#include "ops/gates.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"
#include "support/jacobian.h"

namespace brt {
namespace {

double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

TEST(FixedGate, MixesStateAndCandidateByTheBiasAlone) {
  for (const int64_t states : {0, 1, 3}) {
    const at::Tensor state = random_tensor({2, states, 5}, 1);
    const at::Tensor candidate = random_tensor({2, states, 5}, 2);
    const at::Tensor bias = random_tensor({5}, 3);
    at::Tensor want = at::zeros({2, states, 5}, at::kDouble);
    for (int64_t b = 0; b < 2; ++b) {
      for (int64_t s = 0; s < states; ++s) {
        for (int64_t d = 0; d < 5; ++d) {
          const double keep = sigmoid(bias[d].item<double>());
          want[b][s][d] = state[b][s][d].item<double>() * keep +
                          candidate[b][s][d].item<double>() * (1.0 - keep);
        }
      }
    }
    EXPECT_TRUE(near(fixed_gate(state, candidate, bias), want, tolerance::kFloat64));
    EXPECT_TRUE(near(fixed_gate(non_contiguous(state), non_contiguous(candidate), bias), want,
                     tolerance::kFloat64));
  }
}

TEST(FixedGate, GradientEqualsDifferences) {
  EXPECT_TRUE(gradients_match(
      [](const std::vector<at::Tensor>& in) { return fixed_gate(in[0], in[1], in[2]); },
      {random_tensor({2, 3, 4}, 1), random_tensor({2, 3, 4}, 2), random_tensor({4}, 3)}));
}

TEST(FixedGate, RefusesABiasOfAnotherWidth) {
  EXPECT_EQ(message_of<ShapeError>(
                [] { fixed_gate(at::zeros({2, 5}), at::zeros({2, 5}), at::zeros({4})); }),
            "fixed_gate: bias must be [5], got [4]");
}

TEST(LstmGate, ForgetsAndWritesByTwoSigmoidsWithShiftsOfOne) {
  for (const int64_t states : {0, 1, 3}) {
    const at::Tensor state = random_tensor({states, 5}, 1);
    const at::Tensor candidate = random_tensor({states, 5}, 2);
    const at::Tensor input = random_tensor({states, 5}, 3);
    const at::Tensor forget = random_tensor({states, 5}, 4);
    at::Tensor want = at::zeros({states, 5}, at::kDouble);
    for (int64_t s = 0; s < states; ++s) {
      for (int64_t d = 0; d < 5; ++d) {
        want[s][d] = state[s][d].item<double>() * sigmoid(forget[s][d].item<double>() + 1.0) +
                     candidate[s][d].item<double>() * sigmoid(input[s][d].item<double>() - 1.0);
      }
    }
    EXPECT_TRUE(near(lstm_gate(state, candidate, input, forget), want, tolerance::kFloat64));
    EXPECT_TRUE(near(lstm_gate(non_contiguous(state), candidate, non_contiguous(input), forget),
                     want, tolerance::kFloat64));
  }
}

TEST(LstmGate, GradientEqualsDifferences) {
  EXPECT_TRUE(gradients_match(
      [](const std::vector<at::Tensor>& in) { return lstm_gate(in[0], in[1], in[2], in[3]); },
      {random_tensor({2, 3, 4}, 1), random_tensor({2, 3, 4}, 2), random_tensor({2, 3, 4}, 3),
       random_tensor({2, 3, 4}, 4)}));
}

}  // namespace
}  // namespace brt
