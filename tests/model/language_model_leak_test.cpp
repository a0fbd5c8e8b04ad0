// SPDX-License-Identifier: Apache-2.0
// What must not reach what: other lanes, later tokens, earlier documents; all to the last bit.
#include <gtest/gtest.h>

#include "model/language_model.h"
#include "model/model_fixtures.h"

namespace brt {
namespace {

/// Kinds of model in which something could leak in its own way.
std::vector<NamedConfig> leak_configs() {
  std::vector<NamedConfig> configs;
  for (const NamedConfig& named : all_configs()) {
    if (named.config.window == 3 && named.config.unit_attention) {
      configs.push_back(named);
    }
  }
  return configs;
}

/// Two calls with what they carry, the second of which starts a document in the lanes given.
struct TwoSegments {
  at::Tensor hidden_BND;
  Carry carry;
};

TwoSegments read_two_segments(LanguageModel& model,
                              const at::Tensor& tokens_BN,
                              const at::Tensor& second_starts_B = {}) {
  const int64_t half = tokens_BN.size(1) / 2;
  const SegmentOutput first = read_from_start(model, tokens_BN.narrow(1, 0, half));
  const SegmentOutput second =
      model->forward(tokens_BN.narrow(1, half, half), second_starts_B, first.carry, {});
  return {at::cat({first.hidden_BND, second.hidden_BND}, 1), second.carry};
}

TEST(Leaks, ChangingADocumentChangesNoBitOfAnotherLane) {
  const at::NoGradGuard no_gradient;
  for (const NamedConfig& named : leak_configs()) {
    LanguageModel model = make_model(named.config);
    const at::Tensor tokens = random_tokens({3, 12}, 11, 3);
    const TwoSegments before = read_two_segments(model, tokens);
    at::Tensor changed = tokens.clone();
    changed[1] = (changed[1] + 5).remainder(11);
    const TwoSegments after = read_two_segments(model, changed);
    for (const int64_t lane : {0, 2}) {
      EXPECT_TRUE(bit_equal(after.hidden_BND[lane], before.hidden_BND[lane])) << named.name;
      EXPECT_TRUE(same_carry(slice_lanes(after.carry, lane, lane + 1),
                             slice_lanes(before.carry, lane, lane + 1)))
          << named.name;
    }
    EXPECT_FALSE(bit_equal(after.hidden_BND[1], before.hidden_BND[1])) << named.name;
  }
}

TEST(Leaks, AChangedTokenChangesNoEarlierOutput) {
  const at::NoGradGuard no_gradient;
  for (const NamedConfig& named : leak_configs()) {
    LanguageModel model = make_model(named.config);
    const at::Tensor tokens = random_tokens({1, 12}, 11, 3);
    const at::Tensor before = read_two_segments(model, tokens).hidden_BND;
    for (int64_t i = 0; i < 12; ++i) {
      at::Tensor changed = tokens.clone();
      changed[0][i] = (tokens[0][i].item<int64_t>() + 1) % 11;
      const at::Tensor after = read_two_segments(model, changed).hidden_BND;
      EXPECT_TRUE(bit_equal(after.narrow(1, 0, i), before.narrow(1, 0, i)))
          << named.name << " " << i;
      EXPECT_FALSE(bit_equal(after.narrow(1, i, 1), before.narrow(1, i, 1))) << named.name;
    }
  }
}

TEST(Leaks, ATokenReachesItsOwnOutputThroughTheResidualOnly) {
  // One layer whose attention and feed-forward outputs are zero passes embeddings through.
  const at::NoGradGuard no_gradient;
  LanguageModel model = make_model(tiny_config("rec-fixed-skip"));
  for (const auto& parameter : model->named_parameters()) {
    if (parameter.key().ends_with("attention.output.weight") ||
        (parameter.key().ends_with("ffn.down.weight"))) {
      parameter.value().zero_();
    }
  }
  const at::Tensor tokens = random_tokens({1, 6}, 11, 3);
  const at::Tensor before = read_from_start(model, tokens).hidden_BND;
  at::Tensor changed = tokens.clone();
  changed[0][2] = (tokens[0][2].item<int64_t>() + 1) % 11;
  const at::Tensor after = read_from_start(model, changed).hidden_BND;
  for (int64_t i = 0; i < 6; ++i) {
    EXPECT_EQ(at::equal(after.select(1, i), before.select(1, i)), i != 2) << i;
  }
}

TEST(Leaks, ResettingOneLaneLeavesTheOthersBitEqual) {
  const at::NoGradGuard no_gradient;
  for (const NamedConfig& named : leak_configs()) {
    LanguageModel model = make_model(named.config);
    const at::Tensor tokens = random_tokens({3, 12}, 11, 3);
    const TwoSegments carried = read_two_segments(model, tokens);
    const TwoSegments reset = read_two_segments(model, tokens, at::tensor({0, 1, 0}).to(at::kByte));
    for (const int64_t lane : {0, 2}) {
      EXPECT_TRUE(bit_equal(reset.hidden_BND[lane], carried.hidden_BND[lane])) << named.name;
      EXPECT_TRUE(same_carry(slice_lanes(reset.carry, lane, lane + 1),
                             slice_lanes(carried.carry, lane, lane + 1)))
          << named.name;
    }
  }
}

TEST(Leaks, NothingOfTheDocumentBeforeReachesALaneThatStarts) {
  const at::NoGradGuard no_gradient;
  for (const NamedConfig& named : leak_configs()) {
    LanguageModel model = make_model(named.config);
    const at::Tensor tokens = random_tokens({2, 12}, 11, 3);
    const TwoSegments before = read_two_segments(model, tokens, all_start(2));
    at::Tensor changed = tokens.clone();
    changed.narrow(1, 0, 6).add_(5).remainder_(11);
    const TwoSegments after = read_two_segments(model, changed, all_start(2));
    EXPECT_TRUE(bit_equal(after.hidden_BND.narrow(1, 6, 6), before.hidden_BND.narrow(1, 6, 6)))
        << named.name;
    EXPECT_TRUE(same_carry(after.carry, before.carry)) << named.name;
  }
}

TEST(Leaks, OnlyTheStateReachesBeyondTheWindowsOfAllLayers) {
  // Three layers of windows of 3 see at most 9 tokens back; token 0 is 14 away from the last.
  const at::NoGradGuard no_gradient;
  const at::Tensor tokens = random_tokens({1, 15}, 11, 3);
  at::Tensor changed = tokens.clone();
  changed[0][0] = (tokens[0][0].item<int64_t>() + 1) % 11;
  for (const NamedConfig& named : preset_configs()) {
    LanguageModel model = make_model(named.config);
    const at::Tensor before = read_from_start(model, tokens).hidden_BND[0][14];
    const at::Tensor after = read_from_start(model, changed).hidden_BND[0][14];
    const bool recurrent = !named.config.recurrent_layers.empty();
    EXPECT_EQ(!at::equal(after, before), recurrent) << named.name;
  }
}

}  // namespace
}  // namespace brt
