// SPDX-License-Identifier: Apache-2.0
// Gradients of whole models: against finite differences, and where they flow and stop.
#include <gtest/gtest.h>

#include "model/language_model.h"
#include "model/model_fixtures.h"
#include "support/jacobian.h"

namespace brt {
namespace {

/// Sum of weighted losses of one segment of two blocks; one lane starts, the other goes on.
at::Tensor weighted_loss(LanguageModel& model, const Carry& carry, const ForwardOptions& options) {
  const int64_t tokens = 2 * model->config().window;
  const at::Tensor tokens_BN = random_tokens({2, tokens}, model->config().vocab_size, 3);
  const at::Tensor targets_BN = random_tokens({2, tokens}, model->config().vocab_size, 4);
  const SegmentOutput output =
      model->forward(tokens_BN, at::tensor({1, 0}).to(at::kByte), carry, options);
  const at::Tensor losses = model->token_losses(output.hidden_BND, targets_BN, options);
  return (losses * random_tensor(losses.sizes(), 5)).sum();
}

/// A carry that a document has left, as a constant.
Carry constant_carry(LanguageModel& model, const ForwardOptions& options) {
  const at::NoGradGuard no_gradient;
  const at::Tensor tokens =
      random_tokens({2, model->config().window}, model->config().vocab_size, 2);
  return detach(read_from_start(model, tokens, options).carry);
}

void expect_gradients_match(const NamedConfig& named, double dropout) {
  LanguageModel model = make_model(named.config, /*seed=*/1, at::kDouble);
  ForwardOptions options = options_of(at::kDouble);
  const Carry carry = constant_carry(model, options);
  options.dropout = dropout;
  weighted_loss(model, carry, options).backward();
  const std::function<double()> loss = [&] {
    return weighted_loss(model, carry, options).item<double>();
  };
  for (const auto& parameter : model->named_parameters()) {
    const at::Tensor value = parameter.value().detach();
    const at::Tensor gradient = parameter.value().grad();
    if (!gradient.defined()) {
      ADD_FAILURE() << named.name << ": no gradient to " << parameter.key();
      continue;
    }
    // The element with the largest gradient.
    const int64_t element = gradient.abs().flatten().argmax().item<int64_t>();
    const double want = central_difference(loss, value, element);
    EXPECT_NEAR(gradient.flatten()[element].item<double>(), want,
                1e-6 * std::max(1.0, std::abs(want)))
        << named.name << ": " << parameter.key() << " " << index_text(value.sizes(), element);
  }
}

TEST(Gradients, EqualDifferencesForEveryPreset) {
  for (const NamedConfig& named : preset_configs()) {
    expect_gradients_match(named, /*dropout=*/0.0);
  }
}

TEST(Gradients, EqualDifferencesForEveryOption) {
  for (const NamedConfig& named : all_configs()) {
    if (named.name.find(' ') != std::string::npos && named.config.window == 3) {
      expect_gradients_match(named, /*dropout=*/0.0);
    }
  }
}

TEST(Gradients, EqualDifferencesWithDropout) {
  for (const std::string preset : {"slide", "rec-lstm-dual", "feedback-fixed-skip"}) {
    expect_gradients_match({preset + " dropout", tiny_config(preset)}, /*dropout=*/0.3);
  }
}

/// One recurrent layer whose windows cannot reach from the last block to the first.
ModelConfig one_layer_config(bool feedback) {
  ModelConfig config = tiny_config(feedback ? "feedback-fixed-skip" : "rec-fixed-skip");
  config.num_layers = 1;
  config.recurrent_layers = {0};
  config.window = 2;
  return config;
}

/// Whether the hidden vectors `out` depend, by their gradient, on the embedding of `token`.
bool reaches(LanguageModel& model, const at::Tensor& out, int64_t token) {
  const at::Tensor embedding = model->named_parameters()["embedding.weight"];
  const at::Tensor gradient =
      torch::autograd::grad({(out * random_tensor(out.sizes(), 7, at::kFloat)).sum()}, {embedding},
                            {}, /*retain_graph=*/true)[0];
  return gradient[token].abs().sum().item<double>() > 0.0;
}

TEST(Gradients, FlowThroughAllBlocksOfASegment) {
  for (const bool feedback : {false, true}) {
    LanguageModel model = make_model(one_layer_config(feedback));
    // Each token once: token t stands at place t.
    const at::Tensor tokens = at::arange(10, at::kLong).unsqueeze(0);
    const at::Tensor hidden = read_from_start(model, tokens).hidden_BND;
    for (int64_t token = 0; token < 10; ++token) {
      EXPECT_TRUE(reaches(model, hidden.narrow(1, 8, 2), token)) << token;
    }
    EXPECT_FALSE(reaches(model, hidden.narrow(1, 0, 8), 9));
  }
}

TEST(Gradients, StopAtTheSegmentsStartWhenTheCarryIsDetached) {
  for (const bool feedback : {false, true}) {
    LanguageModel model = make_model(one_layer_config(feedback));
    const at::Tensor tokens = at::arange(8, at::kLong).unsqueeze(0);
    const Carry carry = read_from_start(model, tokens.narrow(1, 0, 4)).carry;
    const at::Tensor cut = model->forward(tokens.narrow(1, 4, 4), {}, detach(carry), {}).hidden_BND;
    const at::Tensor joined = model->forward(tokens.narrow(1, 4, 4), {}, carry, {}).hidden_BND;
    EXPECT_TRUE(bit_equal(cut, joined));
    for (int64_t token = 0; token < 4; ++token) {
      EXPECT_FALSE(reaches(model, cut, token)) << token;
      EXPECT_TRUE(reaches(model, joined, token)) << token;
    }
  }
}

TEST(Gradients, InitialStateLearnsFromStartingLanesOnly) {
  for (const std::string preset : {"rec-fixed-skip", "feedback-lstm-dual"}) {
    LanguageModel model = make_model(tiny_config(preset));
    const ForwardOptions options;
    const Carry carry = constant_carry(model, options);
    const at::Tensor tokens = random_tokens({2, 6}, 11, 3);
    const at::Tensor hidden =
        model->forward(tokens, at::tensor({1, 0}).to(at::kByte), carry, options).hidden_BND;
    const at::Tensor initial_state = model->named_parameters()["layers.1.cell.initial_state"];
    const auto gradient_of = [&](int64_t lane) {
      const at::Tensor weight = random_tensor(hidden[lane].sizes(), 7, at::kFloat);
      return torch::autograd::grad({(hidden[lane] * weight).sum()}, {initial_state}, {},
                                   /*retain_graph=*/true)[0]
          .abs()
          .sum()
          .item<double>();
    };
    EXPECT_GT(gradient_of(0), 0.0) << preset;
    EXPECT_EQ(gradient_of(1), 0.0) << preset;
  }
}

TEST(Gradients, NoneReachesTheInitialStateWhereNoLaneStarts) {
  LanguageModel model = make_model(tiny_config("rec-fixed-skip"));
  const Carry carry = constant_carry(model, {});
  model->forward(random_tokens({2, 6}, 11, 3), at::zeros({2}, at::kByte), carry, {})
      .hidden_BND.sum()
      .backward();
  EXPECT_FALSE(model->named_parameters()["layers.1.cell.initial_state"].grad().defined());
}

}  // namespace
}  // namespace brt
