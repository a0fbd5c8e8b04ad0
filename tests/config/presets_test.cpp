// SPDX-License-Identifier: Apache-2.0
// The family of models by name.
#include "config/presets.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace brt {
namespace {

std::string message_of(const std::string& preset, const std::string& size) {
  try {
    make_preset(preset, size);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(Presets, AreTheFourteenNamesOfThePaper) {
  EXPECT_EQ(preset_names(),
            (std::vector<std::string>{
                "xl", "slide", "rec-fixed-dual", "rec-fixed-single", "rec-fixed-skip",
                "rec-lstm-dual", "rec-lstm-single", "rec-lstm-skip", "feedback-fixed-dual",
                "feedback-fixed-single", "feedback-fixed-skip", "feedback-lstm-dual",
                "feedback-lstm-single", "feedback-lstm-skip"}));
}

TEST(Presets, SizesAreThoseOfThePaperAndThreeSmallOnes) {
  EXPECT_EQ(size_names(), (std::vector<std::string>{"tiny", "small", "medium", "37m", "75m", "150m",
                                                    "300m", "600m", "1.2b"}));
}

TEST(Presets, RecAndFeedbackHaveTheirGateAndCell) {
  const ModelConfig config = make_preset("feedback-lstm-single", "150m");
  EXPECT_EQ(config.gate, GateType::kLstm);
  EXPECT_EQ(config.cell, CellType::kSingle);
  EXPECT_TRUE(config.feedback);
  EXPECT_EQ(config.recurrent_layers, (std::vector<int64_t>{9}));
  EXPECT_FALSE(make_preset("rec-lstm-single", "150m").feedback);
}

TEST(Presets, SmallIsTheOneOfTheDocumentation) {
  const ModelConfig expected = {.num_layers = 6,
                                .width = 256,
                                .num_heads = 4,
                                .head_size = 64,
                                .ffn_width = 1024,
                                .window = 128,
                                .segment = 1024,
                                .num_states = 128,
                                .recurrent_layers = {3}};
  EXPECT_EQ(make_preset("rec-fixed-skip", "small"), expected);
}

TEST(Presets, TheLargestSizeIsThatOfThePaper) {
  const ModelConfig expected = {.num_layers = 12,
                                .width = 2048,
                                .num_heads = 32,
                                .head_size = 128,
                                .ffn_width = 16384,
                                .window = 512,
                                .segment = 4096,
                                .num_states = 512,
                                .recurrent_layers = {9}};
  EXPECT_EQ(make_preset("rec-fixed-skip", "1.2b"), expected);
}

TEST(Presets, TheBaselinesHaveNoRecurrence) {
  EXPECT_TRUE(make_preset("slide", "150m").recurrent_layers.empty());
  EXPECT_EQ(make_preset("slide", "150m").segment, 4096);
  EXPECT_TRUE(make_preset("xl", "150m").recurrent_layers.empty());
  EXPECT_EQ(make_preset("xl", "150m").segment, 512);
}

TEST(Presets, AnUnknownNameIsAnsweredWithTheNearest) {
  EXPECT_EQ(message_of("rec-fixd-skip", "150m"),
            "unknown preset \"rec-fixd-skip\"; did you mean \"rec-fixed-skip\"?");
  EXPECT_EQ(message_of("xl", "smal"), "unknown size \"smal\"; did you mean \"small\"?");
}

}  // namespace
}  // namespace brt
