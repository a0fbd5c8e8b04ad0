// SPDX-License-Identifier: Apache-2.0
// The whole model against the plain-loop model, in chunks of any size, in every precision.
#include "model/language_model.h"

#include <numeric>

#include <gtest/gtest.h>

#include "base/error.h"
#include "model/model_fixtures.h"
#include "model/slow_model.h"
#include "support/tolerance.h"

namespace brt {
namespace {

at::Tensor tensor_of(const SlowMatrix& rows) {
  return at::tensor(rows.values, at::kDouble).view({rows.rows, rows.columns});
}

at::Tensor logits_of(LanguageModel& model,
                     const at::Tensor& tokens_BN,
                     const ForwardOptions& options = {}) {
  return model->logits(read_from_start(model, tokens_BN, options).hidden_BND, options);
}

/// Reads a document's tokens in chunks of the given sizes, which add up to all of them.
SegmentOutput read_in_chunks(LanguageModel& model,
                             const at::Tensor& tokens_BN,
                             const std::vector<int64_t>& sizes) {
  Carry carry = make_carry(model->config(), tokens_BN.size(0));
  at::Tensor starts_B = all_start(tokens_BN.size(0));
  std::vector<at::Tensor> parts;
  int64_t begin = 0;
  for (const int64_t size : sizes) {
    SegmentOutput output = model->forward(tokens_BN.narrow(1, begin, size), starts_B, carry, {});
    parts.push_back(output.hidden_BND);
    carry = output.carry;
    starts_B = at::Tensor();
    begin += size;
  }
  return {at::cat(parts, 1), carry};
}

TEST(LanguageModel, LogitsEqualThePlainLoopModelForEveryPresetAndOption) {
  const at::NoGradGuard no_gradient;
  for (const NamedConfig& named : all_configs()) {
    LanguageModel model = make_model(named.config);
    SlowModel slow(named.config, parameters_of(model));
    const int64_t length = 4 * named.config.window + (named.config.window > 1 ? 2 : 0);
    const at::Tensor tokens = random_tokens({1, length}, named.config.vocab_size, 3);
    EXPECT_TRUE(near(logits_of(model, tokens)[0], tensor_of(slow.logits(numbers_of(tokens))),
                     tolerance::kFloat32))
        << named.name;
  }
}

TEST(LanguageModel, Float64EqualsThePlainLoopModelMoreClosely) {
  const at::NoGradGuard no_gradient;
  for (const NamedConfig& named : preset_configs()) {
    LanguageModel model = make_model(named.config, 1, at::kDouble);
    SlowModel slow(named.config, parameters_of(model));
    const at::Tensor tokens = random_tokens({1, 14}, named.config.vocab_size, 3);
    const ForwardOptions options = options_of(at::kDouble);
    const SegmentOutput output = read_from_start(model, tokens, options);
    EXPECT_TRUE(near(model->logits(output.hidden_BND, options)[0],
                     tensor_of(slow.logits(numbers_of(tokens))), 1e-10))
        << named.name;
    if (!named.config.recurrent_layers.empty()) {
      EXPECT_TRUE(near(output.carry.layers[1].state_BSD[0], tensor_of(slow.state(1)), 1e-10));
    }
  }
}

TEST(LanguageModel, ChunksOfAnySizeEqualTheWhole) {
  const at::NoGradGuard no_gradient;
  for (const NamedConfig& named : all_configs()) {
    if (named.config.window != 3) {
      continue;  // the sizes below are made for this window
    }
    LanguageModel model = make_model(named.config);
    const at::Tensor tokens = random_tokens({2, 14}, named.config.vocab_size, 3);
    const SegmentOutput whole = read_from_start(model, tokens);
    for (const std::vector<int64_t>& sizes : {std::vector<int64_t>(14, 1),
                                              {2, 2, 2, 2, 2, 2, 2},
                                              {4, 4, 4, 2},
                                              {3, 11},
                                              {6, 1, 7},
                                              {1, 12, 1},
                                              {5, 0, 9}}) {
      const SegmentOutput chunks = read_in_chunks(model, tokens, sizes);
      EXPECT_TRUE(near(chunks.hidden_BND, whole.hidden_BND, tolerance::kFloat32)) << named.name;
      const std::map<std::string, at::Tensor> want = whole.carry.tensors();
      for (const auto& [name, tensor] : chunks.carry.tensors()) {
        EXPECT_TRUE(near(tensor, want.at(name), tolerance::kFloat32)) << named.name << " " << name;
      }
    }
  }
}

TEST(LanguageModel, ReadingNothingChangesNothing) {
  const at::NoGradGuard no_gradient;
  for (const std::string preset : {"slide", "rec-fixed-skip", "feedback-fixed-skip"}) {
    LanguageModel model = make_model(tiny_config(preset));
    const SegmentOutput before = read_from_start(model, random_tokens({2, 4}, 11, 3));
    const SegmentOutput after = model->forward(at::empty({2, 0}, at::kLong), {}, before.carry, {});
    EXPECT_EQ(after.hidden_BND.sizes(), at::IntArrayRef({2, 0, 6}));
    EXPECT_TRUE(same_carry(after.carry, before.carry)) << preset;
  }
}

TEST(LanguageModel, Int32AndInt64TokensAreTheSame) {
  const at::NoGradGuard no_gradient;
  LanguageModel model = make_model(tiny_config("rec-fixed-skip"));
  const at::Tensor tokens = random_tokens({2, 6}, 11, 3);
  EXPECT_TRUE(bit_equal(logits_of(model, tokens.to(at::kInt)), logits_of(model, tokens)));
}

TEST(LanguageModel, TokenLossesAreNegativeLogProbabilities) {
  const at::NoGradGuard no_gradient;
  LanguageModel model = make_model(tiny_config("rec-fixed-skip"));
  const at::Tensor tokens = random_tokens({2, 6}, 11, 3);
  const at::Tensor targets = random_tokens({2, 6}, 11, 4).to(at::kInt);
  const at::Tensor want = at::log_softmax(logits_of(model, tokens), -1)
                              .gather(2, targets.to(at::kLong).unsqueeze(2))
                              .squeeze(2)
                              .neg();
  const SegmentOutput output = read_from_start(model, tokens);
  EXPECT_TRUE(near(model->token_losses(output.hidden_BND, targets, {}), want, tolerance::kFloat32));
}

TEST(LanguageModel, BFloat16IsCloseToFloat32) {
  const at::NoGradGuard no_gradient;
  for (const std::string preset :
       {"slide", "rec-fixed-skip", "rec-lstm-dual", "feedback-lstm-single"}) {
    LanguageModel model = make_model(tiny_config(preset));
    const at::Tensor tokens = random_tokens({2, 12}, 11, 3);
    const ForwardOptions half = options_of(at::kBFloat16);
    const SegmentOutput output = read_from_start(model, tokens, half);
    EXPECT_EQ(output.hidden_BND.scalar_type(), at::kFloat);
    EXPECT_EQ(output.carry.layers[0].keys_BMHK.scalar_type(), at::kBFloat16);
    const at::Tensor logits = model->logits(output.hidden_BND, half);
    EXPECT_EQ(logits.scalar_type(), at::kFloat);
    EXPECT_TRUE(near(logits, logits_of(model, tokens), tolerance::kBFloat16Model)) << preset;
  }
}

TEST(LanguageModel, PositionsCountEveryLanesTokensAndNeverOverflow) {
  const at::NoGradGuard no_gradient;
  for (const bool mask_empty_cache : {false, true}) {
    ModelConfig config = tiny_config("rec-fixed-skip");
    config.mask_empty_cache = mask_empty_cache;
    LanguageModel model = make_model(config);
    const at::Tensor tokens = random_tokens({2, 6}, 11, 3);
    Carry carry = read_from_start(model, tokens).carry;
    EXPECT_TRUE(bit_equal(carry.position_B, at::full({2}, 6, at::kLong)));
    const at::Tensor want = model->forward(tokens, {}, carry, {}).hidden_BND;
    carry.position_B = at::full({2}, int64_t{1} << 40, at::kLong);
    const SegmentOutput far = model->forward(tokens, {}, carry, {});
    EXPECT_TRUE(bit_equal(far.hidden_BND, want));
    EXPECT_TRUE(bit_equal(far.carry.position_B, at::full({2}, (int64_t{1} << 40) + 6, at::kLong)));
  }
}

TEST(LanguageModel, AStartingLaneBeginsAtPositionZeroWithZeroCacheAndTheInitialState) {
  const at::NoGradGuard no_gradient;
  LanguageModel model = make_model(tiny_config("rec-fixed-skip"));
  const Carry carry = read_from_start(model, random_tokens({2, 6}, 11, 3)).carry;
  const SegmentOutput begun =
      model->forward(at::empty({2, 0}, at::kLong), at::tensor({0, 1}).to(at::kByte), carry, {});
  const at::Tensor& initial = model->named_parameters()["layers.1.cell.initial_state"];
  EXPECT_TRUE(bit_equal(begun.carry.layers[1].state_BSD[1], initial.detach()));
  EXPECT_TRUE(bit_equal(begun.carry.layers[1].state_BSD[0], carry.layers[1].state_BSD[0]));
  EXPECT_EQ(begun.carry.layers[2].keys_BMHK[1].abs().sum().item<double>(), 0.0);
  EXPECT_EQ(begun.carry.layers[2].values_BMHK[1].abs().sum().item<double>(), 0.0);
  EXPECT_TRUE(bit_equal(begun.carry.position_B, at::tensor({6, 0}, at::kLong)));
}

TEST(LanguageModel, DropoutIsAFunctionOfItsSeed) {
  const at::NoGradGuard no_gradient;
  for (const std::string preset : {"slide", "rec-lstm-dual", "feedback-fixed-skip"}) {
    LanguageModel model = make_model(tiny_config(preset));
    const at::Tensor tokens = random_tokens({2, 6}, 11, 3);
    const auto hidden = [&](double rate, uint64_t seed) {
      ForwardOptions options;
      options.dropout = rate;
      options.dropout_seed = seed;
      return read_from_start(model, tokens, options).hidden_BND;
    };
    EXPECT_TRUE(bit_equal(hidden(0.3, 1), hidden(0.3, 1))) << preset;
    EXPECT_FALSE(bit_equal(hidden(0.3, 1), hidden(0.3, 2))) << preset;
    EXPECT_TRUE(bit_equal(hidden(0.0, 1), read_from_start(model, tokens).hidden_BND)) << preset;
    EXPECT_FALSE(bit_equal(hidden(0.3, 1), hidden(0.0, 1))) << preset;
  }
}

TEST(LanguageModel, RefusesInputsThatDoNotFit) {
  LanguageModel model = make_model(tiny_config("rec-fixed-skip"));
  const Carry carry = make_carry(model->config(), 2);
  const auto message = [&](const at::Tensor& tokens, const at::Tensor& starts, const Carry& from) {
    return message_of<ShapeError>([&] { model->forward(tokens, starts, from, {}); });
  };
  const at::Tensor fine = at::zeros({2, 3}, at::kLong);
  EXPECT_EQ(message(at::full({2, 3}, 11, at::kLong), {}, carry),
            "model: tokens must lie in [0, 11), got 11 to 11");
  EXPECT_EQ(message(at::full({2, 3}, -1, at::kInt), {}, carry),
            "model: tokens must lie in [0, 11), got -1 to -1");
  EXPECT_EQ(message(at::zeros({3, 3}, at::kLong), {}, carry),
            "model: tokens_BN must be [2, *], got [3, 3]");
  EXPECT_EQ(message(fine, at::ones({3}, at::kByte), carry), "model: starts_B must be [2], got [3]");
  const Carry within = read_from_start(model, fine.narrow(1, 0, 2)).carry;
  EXPECT_EQ(message(fine, at::tensor({0, 1}).to(at::kByte), within),
            "model: a document can start only between blocks");
  EXPECT_EQ(message(fine, at::zeros({2}, at::kByte), within), "");
}

}  // namespace
}  // namespace brt
