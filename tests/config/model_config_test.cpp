// SPDX-License-Identifier: Apache-2.0
// Counts, FLOPs and checks of the model's settings.
#include "config/model_config.h"

#include <algorithm>
#include <limits>

#include <gtest/gtest.h>

#include "config/presets.h"
#include "support/text_assertions.h"

namespace brt {
namespace {

ModelConfig tiny_model() {
  ModelConfig config = make_preset("rec-fixed-skip", "tiny");
  config.vocab_size = 50;
  return config;
}

std::vector<std::string> problems_after(void (*change)(ModelConfig&)) {
  ModelConfig config = tiny_model();
  change(config);
  return model_config_problems(config);
}

TEST(ModelConfig, CountsTheParametersOfASmallModelByHand) {
  const ModelConfig config = {.vocab_size = 5,
                              .num_layers = 1,
                              .width = 3,
                              .num_heads = 2,
                              .head_size = 4,
                              .ffn_width = 7,
                              .window = 2,
                              .segment = 4,
                              .num_states = 6,
                              .num_buckets = 4,
                              .max_distance = 8};
  // embedding, final norm; norms, q k v and output, scale, position bias, FFN
  EXPECT_EQ(count_parameters(config), 5 * 3 + 3 + 2 * 3 + 4 * 8 * 3 + 2 + 2 * 4 + 2 * 3 * 7);
}

TEST(ModelConfig, TheFixedSkipCellAddsItsTensorsToALayer) {
  ModelConfig config = tiny_model();
  const int64_t with_cell = count_parameters(config);
  config.recurrent_layers.clear();
  const int64_t width = 32;
  const int64_t heads_width = 32;
  const int64_t cross_attention = 2 * heads_width * width + 2;
  const int64_t cell =
      2 * 16 * width + width + 4 * heads_width * width + 2 * 2 + 2 * heads_width * width + width;
  EXPECT_EQ(with_cell - count_parameters(config), cross_attention + cell);
}

TEST(ModelConfig, ThePaperSizesHaveAboutTheirNamesParameters) {
  ModelConfig config = make_preset("slide", "150m");
  config.vocab_size = 32000;
  EXPECT_NEAR(static_cast<double>(count_parameters(config)) / 1e6, 150, 35);
  config = make_preset("slide", "1.2b");
  config.vocab_size = 32000;
  EXPECT_NEAR(static_cast<double>(count_parameters(config)) / 1e9, 1.2, 0.15);
}

TEST(ModelConfig, TrainingFlopsOfSmallAndMediumAreThoseOfTheDesign) {
  ModelConfig config = make_preset("rec-fixed-skip", "small");
  config.vocab_size = 4096;
  EXPECT_DOUBLE_EQ(forward_flops_per_token(config), 13893632.0);
  EXPECT_NEAR(3 * forward_flops_per_token(config) / 1e6, 41.7, 0.05);
  config = make_preset("rec-fixed-skip", "medium");
  config.vocab_size = 32000;
  EXPECT_NEAR(3 * forward_flops_per_token(config) / 1e6, 388, 0.5);
}

TEST(ModelConfig, TheLstmGateAddsTwoMapsOfEveryStateAtEveryBlock) {
  const ModelConfig fixed = make_preset("rec-fixed-skip", "small");
  const ModelConfig lstm = make_preset("rec-lstm-skip", "small");
  // Two products [S, 2*H*K] x [2*H*K, D] a block of as many tokens as there are states.
  EXPECT_DOUBLE_EQ(forward_flops_per_token(lstm) - forward_flops_per_token(fixed),
                   2.0 * 2.0 * 512 * 256);
}

TEST(ModelConfig, LargerCellsAndFeedbackCostMoreFlops) {
  const auto flops = [](const char* preset) -> double {
    return forward_flops_per_token(make_preset(preset, "small"));
  };
  EXPECT_GT(flops("rec-lstm-skip"), flops("rec-fixed-skip"));
  EXPECT_GT(flops("rec-fixed-dual"), flops("rec-fixed-skip"));
  EXPECT_GT(flops("rec-fixed-single"), flops("rec-fixed-skip"));
  EXPECT_GT(flops("rec-lstm-single"), flops("rec-fixed-single"));
  EXPECT_GT(flops("feedback-fixed-skip"), flops("rec-fixed-skip"));
  EXPECT_GT(flops("rec-fixed-skip"), flops("slide"));
}

TEST(ModelConfig, ResolvingCountsNegativeLayersFromTheTopAndSorts) {
  ModelConfig config = {.num_layers = 12, .recurrent_layers = {9, -10, -1}};
  config = resolve_model_config(config);
  EXPECT_EQ(config.recurrent_layers, (std::vector<int64_t>{2, 9, 11}));
  EXPECT_TRUE(is_recurrent_layer(config, 2));
  EXPECT_FALSE(is_recurrent_layer(config, 3));
  EXPECT_EQ(topmost_recurrent_layer(config), 11);
  EXPECT_EQ(topmost_recurrent_layer(ModelConfig()), -1);
}

TEST(ModelConfig, WithFeedbackEveryLayerReadsStates) {
  ModelConfig config = tiny_model();
  EXPECT_FALSE(attends_to_states(config, 0));
  EXPECT_TRUE(attends_to_states(config, 1));
  config.feedback = true;
  EXPECT_TRUE(attends_to_states(config, 0));
}

TEST(ModelConfig, EveryPresetAtEverySizeIsWithoutProblem) {
  for (const std::string& preset : preset_names()) {
    for (const std::string& size : size_names()) {
      ModelConfig config = make_preset(preset, size);
      config.vocab_size = 256;
      EXPECT_TRUE(model_config_problems(config).empty()) << preset << " " << size;
    }
  }
}

TEST(ModelConfig, HeadsNeedNotFillTheWidth) {
  EXPECT_TRUE(problems_after([](ModelConfig& config) {
                config.width = 28;
                config.num_heads = 4;
                config.head_size = 6;
              }).empty());
}

struct BadModel {
  const char* name;
  void (*change)(ModelConfig&);
  const char* problem;
};

void PrintTo(const BadModel& bad, std::ostream* stream) { *stream << bad.name; }

class ModelConfigProblem : public testing::TestWithParam<BadModel> {};

TEST_P(ModelConfigProblem, IsReportedOnceAndAlone) {
  const std::vector<std::string> problems = problems_after(GetParam().change);
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_TRUE(contains(problems[0], GetParam().problem));
}

INSTANTIATE_TEST_SUITE_P(
    All,
    ModelConfigProblem,
    testing::Values(
        BadModel{"NoVocabulary", [](ModelConfig& c) { c.vocab_size = 0; },
                 "model.vocab_size: must be between 1 and"},
        BadModel{"NoLayers",
                 [](ModelConfig& c) {
                   c.num_layers = 0;
                   c.recurrent_layers = {};
                 },
                 "model.num_layers: must be between 1 and"},
        BadModel{"NegativeWidth", [](ModelConfig& c) { c.width = -1; }, "model.width: must be"},
        BadModel{"NoHeads", [](ModelConfig& c) { c.num_heads = 0; }, "model.num_heads: must be"},
        BadModel{"NoHeadSize", [](ModelConfig& c) { c.head_size = 0; }, "model.head_size: must be"},
        BadModel{"NoFfn", [](ModelConfig& c) { c.ffn_width = 0; }, "model.ffn_width: must be"},
        BadModel{"NoWindow", [](ModelConfig& c) { c.window = 0; }, "model.window: must be"},
        BadModel{"NoSegment", [](ModelConfig& c) { c.segment = 0; }, "model.segment: must be"},
        BadModel{"HugeWidth", [](ModelConfig& c) { c.width = std::numeric_limits<int64_t>::max(); },
                 "model.width: must be between 1 and 1048576, got 9223372036854775807"},
        BadModel{"HugeHeads", [](ModelConfig& c) { c.num_heads = c.head_size = int64_t{1} << 20; },
                 "model.head_size: num_heads * head_size must be at most 1048576"},
        BadModel{"WindowDoesNotDivideSegment", [](ModelConfig& c) { c.segment = 63; },
                 "model.segment: must be a multiple of window, but 16 does not divide 63"},
        BadModel{
            "NoStates", [](ModelConfig& c) { c.num_states = 0; },
            "model.num_states: must be at least 1 where recurrent_layers names a layer, got 0"},
        BadModel{
            "LayerTooHigh", [](ModelConfig& c) { c.recurrent_layers = {2}; },
            "model.recurrent_layers: there is no layer 2; the 2 layers are 0 to 1, or -2 to -1"},
        BadModel{"LayerTooLow", [](ModelConfig& c) { c.recurrent_layers = {-3}; },
                 "model.recurrent_layers: there is no layer -3"},
        BadModel{"LayerTwice", [](ModelConfig& c) { c.recurrent_layers = {1, -1}; },
                 "model.recurrent_layers: layer 1 is named twice"},
        BadModel{"FeedbackWithoutState",
                 [](ModelConfig& c) {
                   c.recurrent_layers = {};
                   c.feedback = true;
                 },
                 "model.feedback: block feedback attends to the state of a recurrent layer"},
        BadModel{"RotaryOddHeads",
                 [](ModelConfig& c) {
                   c.position = PositionType::kRotary;
                   c.head_size = 15;
                 },
                 "model.head_size: rotary positions rotate pairs of features, so 2 must divide it, "
                 "got 15"},
        BadModel{"OddBuckets", [](ModelConfig& c) { c.num_buckets = 31; },
                 "so 2 must divide it, got 31"},
        BadModel{"NoBuckets", [](ModelConfig& c) { c.num_buckets = 0; },
                 "model.num_buckets: must be between 2"},
        BadModel{"DistanceTooSmall", [](ModelConfig& c) { c.max_distance = 16; },
                 "model.max_distance: must be more than half of num_buckets (32 / 2), got 16"}),
    [](const testing::TestParamInfo<BadModel>& tested) { return std::string(tested.param.name); });

TEST(ModelConfig, BucketsMatterForT5PositionsOnly) {
  EXPECT_TRUE(problems_after([](ModelConfig& config) {
                config.position = PositionType::kNone;
                config.num_buckets = 0;
                config.max_distance = 0;
              }).empty());
}

}  // namespace
}  // namespace brt
