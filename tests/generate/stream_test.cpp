// SPDX-License-Identifier: Apache-2.0
// A stream gives the same logits however its tokens are fed.
#include "generate/stream.h"

#include <gtest/gtest.h>

#include <ATen/ATen.h>

#include "base/error.h"
#include "base/seeded_random.h"
#include "eval/tiny_books.h"
#include "support/text_assertions.h"

namespace brt {
namespace {

constexpr double kTolerance = 1e-5;

std::vector<int32_t> random_tokens(int64_t count) {
  SeededRandom random(11);
  std::vector<int32_t> tokens;
  for (int64_t i = 0; i < count; ++i) {
    tokens.push_back(static_cast<int32_t>(random.below(257)));
  }
  return tokens;
}

at::Tensor feed_in_chunks(Stream& stream, std::span<const int32_t> tokens, size_t chunk) {
  std::vector<at::Tensor> parts;
  while (!tokens.empty()) {
    const size_t size = std::min(chunk, tokens.size());
    parts.push_back(stream.feed(tokens.first(size)));
    tokens = tokens.subspan(size);
  }
  return at::cat(parts, 0);
}

double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

ModelConfig feedback_config() {
  ModelConfig config = tiny_config();
  config.feedback = true;
  config.gate = GateType::kLstm;
  config.cell = CellType::kDual;
  return config;
}

ModelConfig masked_rotary_config() {
  ModelConfig config = tiny_config();
  config.mask_empty_cache = true;
  config.position = PositionType::kRotary;
  return config;
}

ModelConfig xl_config() {
  ModelConfig config = tiny_config();
  config.segment = config.window;
  config.recurrent_layers = {};
  return config;
}

class StreamChunks : public testing::TestWithParam<ModelConfig> {};

TEST_P(StreamChunks, LogitsDoNotDependOnTheSizesOfChunks) {
  const ModelConfig config = GetParam();
  LanguageModel model = tiny_model(config);
  const std::vector<int32_t> tokens = random_tokens(61);
  Stream whole(model, {});
  const at::Tensor expected = whole.feed(tokens);
  const int64_t window = config.window;
  for (const int64_t chunk :
       {int64_t{1}, int64_t{2}, int64_t{7}, window - 1, window, window + 1, 3 * window + 5}) {
    Stream stream(model, {});
    const at::Tensor logits = feed_in_chunks(stream, tokens, static_cast<size_t>(chunk));
    EXPECT_LT(largest_difference(logits, expected), kTolerance) << "chunks of " << chunk;
    EXPECT_EQ(stream.tokens_read(), 61);
    EXPECT_EQ(stream.carry().tokens_in_block(config), 61 % window);
    EXPECT_LT(largest_difference(stream.logits(), expected[60]), kTolerance);
  }
}

TEST_P(StreamChunks, EqualsOneForwardPassOfTheModel) {
  const ModelConfig config = GetParam();
  LanguageModel model = tiny_model(config);
  const std::vector<int32_t> tokens = random_tokens(29);
  Stream stream(model, {});
  const at::NoGradGuard no_grad;
  const at::Tensor tokens_BN =
      at::tensor(std::vector<int64_t>(tokens.begin(), tokens.end())).unsqueeze(0);
  const SegmentOutput output =
      model->forward(tokens_BN, at::ones({1}, at::kByte), make_carry(config, 1), {});
  EXPECT_LT(largest_difference(stream.feed(tokens), model->logits(output.hidden_BND, {})[0]),
            kTolerance);
}

std::string name_of_model(const testing::TestParamInfo<ModelConfig>& model) {
  const char* names[] = {"Recurrent", "Feedback", "MaskedRotary", "Xl"};
  return names[model.index];
}

INSTANTIATE_TEST_SUITE_P(
    Models,
    StreamChunks,
    testing::Values(tiny_config(), feedback_config(), masked_rotary_config(), xl_config()),
    name_of_model);

TEST(Stream, VisitedPiecesJoinToTheWholeAndAreNeverLongerThanASegment) {
  LanguageModel model = tiny_model();
  const std::vector<int32_t> tokens = random_tokens(50);
  std::vector<at::Tensor> pieces;
  Stream stream(model, {});
  stream.feed(tokens, [&](const at::Tensor& logits_MV) { pieces.push_back(logits_MV); });
  for (const at::Tensor& piece : pieces) {
    EXPECT_LE(piece.size(0), model->config().segment);
  }
  Stream other(model, {});
  EXPECT_LT(largest_difference(at::cat(pieces, 0), other.feed(tokens)), kTolerance);
}

TEST(Stream, WithoutAVisitorOnlyTheLastLogitsAreMade) {
  LanguageModel model = tiny_model();
  const std::vector<int32_t> tokens = random_tokens(30);
  Stream stream(model, {});
  stream.feed(tokens, {});
  Stream other(model, {});
  EXPECT_LT(largest_difference(stream.logits(), other.feed(tokens)[29]), kTolerance);
}

TEST(Stream, NothingFedChangesNothing) {
  Stream stream(tiny_model(), {});
  EXPECT_EQ(stream.feed({}).sizes(), (std::vector<int64_t>{0, 257}));
  EXPECT_FALSE(stream.logits().defined());
  EXPECT_EQ(stream.tokens_read(), 0);
}

TEST(Stream, AVisitorThatThrowsLeavesTheLastWholePiece) {
  LanguageModel model = tiny_model();
  const std::vector<int32_t> tokens = random_tokens(30);
  Stream stream(model, {});
  int64_t visits = 0;
  EXPECT_THROW(stream.feed(tokens,
                           [&](const at::Tensor&) {
                             if (++visits == 2) {
                               throw Error("enough");
                             }
                           }),
               Error);
  EXPECT_EQ(stream.tokens_read(), 12);
  Stream other(model, {});
  const at::Tensor expected = other.feed(tokens);
  const std::span<const int32_t> rest = std::span<const int32_t>(tokens).subspan(12);
  EXPECT_LT(largest_difference(stream.feed(rest), expected.slice(0, 12)), kTolerance);
}

TEST(Stream, TokensOutsideTheVocabularyAreRefused) {
  Stream stream(tiny_model(), {});
  const std::vector<int32_t> tokens = {1, 257};
  EXPECT_THROW(stream.feed(tokens), ShapeError);
}

TEST(Stream, RestoreRefusesWhatDoesNotFit) {
  LanguageModel model = tiny_model();
  Stream source(model, {});
  source.feed(random_tokens(6));
  Stream stream(model, {});
  EXPECT_THROW(stream.restore(source.carry(), at::zeros({5}), 6), CheckpointError);
  EXPECT_THROW(stream.restore(source.carry(), source.logits(), 7), CheckpointError);
  EXPECT_THROW(stream.restore(make_carry(tiny_config(), 2), source.logits(), 0), CheckpointError);
  Stream narrow(model, {.dtype = at::kBFloat16});
  EXPECT_TRUE(contains(
      thrown_message<CheckpointError>([&] { narrow.restore(source.carry(), source.logits(), 6); }),
      "--dtype"));
  stream.restore(source.carry(), source.logits(), 6);
  EXPECT_TRUE(at::equal(stream.logits(), source.logits()));
}

}  // namespace
}  // namespace brt
