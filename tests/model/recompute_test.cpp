// SPDX-License-Identifier: Apache-2.0
// Recomputation in backward gives the plain call's numbers and gradients, bit for bit.
#include "model/recompute.h"

#include <gtest/gtest.h>

#include <torch/csrc/autograd/autograd.h>

#include "model/model_fixtures.h"
#include "support/tolerance.h"

namespace brt {
namespace {

TEST(Recompute, GradientsOfInputsAndParametersAreBitEqual) {
  const at::Tensor weight = random_tensor({4, 4}, 1, at::kFloat).requires_grad_();
  const at::Tensor x = random_tensor({3, 4}, 2, at::kFloat).requires_grad_();
  const at::Tensor constant = random_tensor({3, 4}, 3, at::kFloat);
  const TensorFunction function = [&](const std::vector<at::Tensor>& in) {
    const at::Tensor y = at::matmul(in[0], weight).tanh() * in[1];
    return std::vector<at::Tensor>{y, y.square().sum(1)};
  };
  const auto gradients = [&](const std::vector<at::Tensor>& out) {
    return torch::autograd::grad({(out[0] * constant).sum() + out[1].sum()}, {x, weight});
  };
  const std::vector<at::Tensor> plain_out = function({x, constant});
  const std::vector<at::Tensor> out = recompute_in_backward(function, {x, constant}, {weight});
  EXPECT_TRUE(bit_equal(out[0], plain_out[0]));
  EXPECT_TRUE(bit_equal(out[1], plain_out[1]));
  const std::vector<at::Tensor> want = gradients(plain_out);
  const std::vector<at::Tensor> got = gradients(out);
  EXPECT_TRUE(bit_equal(got[0], want[0]));
  EXPECT_TRUE(bit_equal(got[1], want[1]));
}

TEST(Recompute, AnUnusedOutputAddsNothing) {
  const at::Tensor x = random_tensor({3}, 2, at::kFloat).requires_grad_();
  const std::vector<at::Tensor> out = recompute_in_backward(
      [](const std::vector<at::Tensor>& in) {
        return std::vector<at::Tensor>{in[0] * 2, in[0] * 3};
      },
      {x}, {});
  out[0].sum().backward();
  EXPECT_TRUE(bit_equal(x.grad(), at::full({3}, 2.0f)));
}

TEST(Recompute, CallsTheFunctionOnceForwardAndOnceBackward) {
  const at::Tensor x = random_tensor({3}, 2, at::kFloat).requires_grad_();
  int calls = 0;
  const std::vector<at::Tensor> out = recompute_in_backward(
      [&calls](const std::vector<at::Tensor>& in) {
        ++calls;
        return std::vector<at::Tensor>{in[0] * 2};
      },
      {x}, {});
  EXPECT_EQ(calls, 1);
  out[0].sum().backward();
  EXPECT_EQ(calls, 2);
}

struct Gradients {
  at::Tensor loss;
  std::map<std::string, at::Tensor> by_name;
  size_t logged_gates = 0;
};

/// One call for each number of tokens; each starts where the one before stopped, and gradients flow
/// through all of them.
Gradients model_gradients(const ModelConfig& config,
                          bool recompute,
                          const std::vector<int64_t>& calls) {
  LanguageModel model = make_model(config);
  GateLog log;
  ForwardOptions options;
  options.dropout = 0.2;
  options.recompute = recompute;
  options.gate_log = &log;
  const at::Tensor tokens = random_tokens({2, 12}, config.vocab_size, 4);
  Carry carry = make_carry(config, /*lanes=*/2);
  at::Tensor starts_B = all_start(2);
  std::vector<at::Tensor> hidden;
  int64_t begin = 0;
  for (const int64_t size : calls) {
    const SegmentOutput output =
        model->forward(tokens.narrow(1, begin, size), starts_B, carry, options);
    hidden.push_back(output.hidden_BND);
    carry = output.carry;
    starts_B = at::Tensor();
    begin += size;
  }
  const at::Tensor targets = random_tokens({2, begin}, config.vocab_size, 6);
  const at::Tensor losses = model->token_losses(at::cat(hidden, 1), targets, options);
  Gradients gradients;
  gradients.loss = losses.detach();
  losses.sum().backward();
  for (const auto& parameter : model->named_parameters()) {
    if (parameter.value().grad().defined()) {
      gradients.by_name[parameter.key()] = parameter.value().grad();
    }
  }
  gradients.logged_gates = log.entries.size();
  return gradients;
}

TEST(Recompute, ASegmentsLossesAndGradientsAreBitEqual) {
  for (const std::string preset : {"slide", "rec-fixed-skip", "rec-lstm-dual", "rec-lstm-single"}) {
    const ModelConfig config = tiny_config(preset);
    const Gradients plain = model_gradients(config, false, {12});
    const Gradients again = model_gradients(config, true, {12});
    EXPECT_TRUE(bit_equal(again.loss, plain.loss)) << preset;
    ASSERT_EQ(again.by_name.size(), plain.by_name.size()) << preset;
    for (const auto& [name, gradient] : plain.by_name) {
      EXPECT_TRUE(bit_equal(again.by_name.at(name), gradient)) << preset << " " << name;
    }
  }
}

// A parameter that several calls of its layer read (block feedback, chunks) has its gradient summed
// call by call, where the plain graph sums it use by use: equal to rounding, not to the bit.
TEST(Recompute, ManyCallsOfALayerGiveTheSameGradientsToRounding) {
  for (const std::string preset : {"slide", "rec-lstm-dual", "feedback-lstm-single"}) {
    for (const std::vector<int64_t>& calls : {std::vector<int64_t>{12}, {6, 6}, {4, 8}, {5}}) {
      const ModelConfig config = tiny_config(preset);
      const Gradients plain = model_gradients(config, false, calls);
      const Gradients again = model_gradients(config, true, calls);
      EXPECT_TRUE(bit_equal(again.loss, plain.loss)) << preset;
      ASSERT_EQ(again.by_name.size(), plain.by_name.size()) << preset;
      for (const auto& [name, gradient] : plain.by_name) {
        EXPECT_TRUE(near(again.by_name.at(name), gradient, tolerance::kFloat32))
            << preset << " " << name;
      }
    }
  }
}

TEST(Recompute, LogsEveryGateOnce) {
  for (const std::string preset : {"rec-fixed-skip", "rec-lstm-dual"}) {
    const ModelConfig config = tiny_config(preset);
    const Gradients plain = model_gradients(config, false, {12});
    EXPECT_GT(plain.logged_gates, 0u);
    EXPECT_EQ(model_gradients(config, true, {12}).logged_gates, plain.logged_gates) << preset;
  }
}

}  // namespace
}  // namespace brt
