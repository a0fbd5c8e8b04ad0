// SPDX-License-Identifier: Apache-2.0
// The gates against their formulas.
#include "ops/gates.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include <ATen/Parallel.h>

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

/// A result, and the gradients of all inputs for a random one of the result.
template <class Op>
std::vector<at::Tensor> value_and_gradients(const Op& op, std::vector<at::Tensor> inputs) {
  for (at::Tensor& input : inputs) {
    input = input.detach().clone(at::MemoryFormat::Preserve).requires_grad_();
  }
  const at::Tensor out = op(inputs);
  out.backward(random_tensor(out.sizes(), 99, out.scalar_type()));
  std::vector<at::Tensor> results = {out.detach()};
  for (const at::Tensor& input : inputs) {
    results.push_back(input.grad());
  }
  return results;
}

at::Tensor fixed(const std::vector<at::Tensor>& in) { return fixed_gate(in[0], in[1], in[2]); }
at::Tensor fixed_slow(const std::vector<at::Tensor>& in) {
  return fixed_gate_reference(in[0], in[1], in[2]);
}
at::Tensor lstm(const std::vector<at::Tensor>& in) { return lstm_gate(in[0], in[1], in[2], in[3]); }
at::Tensor lstm_slow(const std::vector<at::Tensor>& in) {
  return lstm_gate_reference(in[0], in[1], in[2], in[3]);
}

std::vector<at::Tensor> fixed_inputs(int64_t rows, int64_t width, at::ScalarType candidate) {
  return {random_tensor({rows, width}, 1, at::kFloat), random_tensor({rows, width}, 2, candidate),
          random_tensor({width}, 3, at::kFloat)};
}
std::vector<at::Tensor> lstm_inputs(int64_t rows, int64_t width, at::ScalarType candidate) {
  return {random_tensor({rows, width}, 1, at::kFloat), random_tensor({rows, width}, 2, candidate),
          random_tensor({rows, width}, 3, at::kFloat), random_tensor({rows, width}, 4, at::kFloat)};
}

void expect_all_near(const std::vector<at::Tensor>& got, const std::vector<at::Tensor>& want) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].scalar_type(), want[i].scalar_type());
    const double limit = got[i].scalar_type() == at::kBFloat16 ? 0x1p-8 : 1e-6;
    EXPECT_TRUE(near(got[i], want[i], limit)) << "result " << i;
  }
}

TEST(FixedGate, FusedFormEqualsTheReferenceWithItsGradients) {
  for (const at::ScalarType candidate : {at::kFloat, at::kBFloat16}) {
    for (const int64_t rows : {0, 1, 5, 200}) {
      for (const int64_t width : {1, 7, 33, 1000}) {
        const std::vector<at::Tensor> inputs = fixed_inputs(rows, width, candidate);
        expect_all_near(value_and_gradients(fixed, inputs),
                        value_and_gradients(fixed_slow, inputs));
      }
    }
  }
}

TEST(LstmGate, FusedFormEqualsTheReferenceWithItsGradients) {
  for (const at::ScalarType candidate : {at::kFloat, at::kBFloat16}) {
    for (const int64_t rows : {0, 1, 5, 200}) {
      for (const int64_t width : {1, 7, 33, 1000}) {
        const std::vector<at::Tensor> inputs = lstm_inputs(rows, width, candidate);
        expect_all_near(value_and_gradients(lstm, inputs), value_and_gradients(lstm_slow, inputs));
      }
    }
  }
}

TEST(Gates, OneAndTwoThreadsGiveTheSameBits) {
  const int threads = at::get_num_threads();
  const std::vector<at::Tensor> for_fixed = fixed_inputs(333, 1000, at::kBFloat16);
  const std::vector<at::Tensor> for_lstm = lstm_inputs(333, 1000, at::kFloat);
  at::set_num_threads(1);
  const std::vector<at::Tensor> fixed_one = value_and_gradients(fixed, for_fixed);
  const std::vector<at::Tensor> lstm_one = value_and_gradients(lstm, for_lstm);
  at::set_num_threads(2);
  const std::vector<at::Tensor> fixed_two = value_and_gradients(fixed, for_fixed);
  const std::vector<at::Tensor> lstm_two = value_and_gradients(lstm, for_lstm);
  at::set_num_threads(threads);
  for (size_t i = 0; i < fixed_one.size(); ++i) {
    EXPECT_TRUE(bit_equal(fixed_two[i], fixed_one[i]));
  }
  for (size_t i = 0; i < lstm_one.size(); ++i) {
    EXPECT_TRUE(bit_equal(lstm_two[i], lstm_one[i]));
  }
}

TEST(Gates, FusedFormsTakeAnyStrides) {
  std::vector<at::Tensor> inputs = lstm_inputs(5, 7, at::kFloat);
  const std::vector<at::Tensor> want = value_and_gradients(lstm, inputs);
  for (at::Tensor& input : inputs) {
    input = non_contiguous(input);
  }
  const std::vector<at::Tensor> got = value_and_gradients(lstm, inputs);
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_TRUE(near(got[i], want[i], 1e-6));
  }
  std::vector<at::Tensor> state = fixed_inputs(5, 7, at::kFloat);
  const at::Tensor contiguous = fixed(state);
  state[0] = non_contiguous(state[0]);
  EXPECT_TRUE(bit_equal(fixed(state), contiguous));
}

}  // namespace
}  // namespace brt
