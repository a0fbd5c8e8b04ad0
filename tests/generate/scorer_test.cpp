// SPDX-License-Identifier: Apache-2.0
// Scores of single tokens, and that their sum is what evaluation finds.
#include "generate/scorer.h"

#include <cmath>

#include <gtest/gtest.h>

#include <ATen/ATen.h>

#include "eval/evaluation.h"
#include "eval/tiny_books.h"
#include "text/byte_tokenizer.h"

namespace brt {
namespace {

struct Scores {
  std::vector<TokenScore> tokens;
  ScoreTotal total;
};

Scores score_text(const LanguageModel& model, std::string_view text, size_t part) {
  static const ByteTokenizer tokenizer;
  Scores scores;
  Scorer scorer(model, {}, tokenizer,
                [&](const TokenScore& score) { scores.tokens.push_back(score); });
  for (size_t from = 0; from < text.size(); from += part) {
    scorer.append(text.substr(from, part));
  }
  scores.total = scorer.finish();
  return scores;
}

TEST(Scorer, SumsEqualTheEvaluationOfTheSameDocuments) {
  const TinyBooks books({random_text(37, 1), random_text(300, 2), random_text(1, 3)});
  LanguageModel model = tiny_model();
  const EvaluationResult expected =
      evaluate(model, books.split(), {.carry = CarryMode::kCarried, .lanes = 2});
  for (size_t i = 0; i < books.texts().size(); ++i) {
    const Scores scores = score_text(model, books.texts()[i], 13);
    const DocumentLoss& document = expected.documents[i];
    EXPECT_EQ(scores.total.tokens, document.tokens);
    EXPECT_EQ(scores.total.bytes, document.bytes);
    EXPECT_NEAR(scores.total.nats, document.nats, 1e-6 * document.nats);
  }
}

TEST(Scorer, GivesEveryTokenInOrderAndTheEndLast) {
  const Scores scores = score_text(tiny_model(), "Zo\xc3\xab!", 2);
  ASSERT_EQ(scores.tokens.size(), 6U);
  const std::string_view bytes[] = {"Z", "o", "\xc3", "\xab", "!", ""};
  double nats = 0.0;
  for (size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(scores.tokens[i].index, static_cast<int64_t>(i));
    EXPECT_EQ(scores.tokens[i].byte_offset, static_cast<int64_t>(i));
    EXPECT_EQ(scores.tokens[i].bytes, bytes[i]);
    EXPECT_EQ(scores.tokens[i].nats.has_value(), i > 0);
    nats += scores.tokens[i].nats.value_or(0.0);
  }
  EXPECT_EQ(scores.tokens[5].token, 256);
  EXPECT_DOUBLE_EQ(scores.total.nats, nats);
  EXPECT_EQ(scores.total.tokens, 5);
}

TEST(Scorer, ALongTextOfSeveralPiecesEqualsOneForwardPass) {
  ModelConfig config = tiny_config();
  config.window = 64;
  config.segment = 1024;
  LanguageModel model = tiny_model(config);
  const std::string text = random_text((1 << 16) + 200, 9);  // more than one piece
  const Scores scores = score_text(model, text, 5000);
  ASSERT_EQ(scores.tokens.size(), text.size() + 1);
  // The last tokens, after the border of the pieces, against a stream fed otherwise.
  Stream stream(model, {});
  const ByteTokenizer tokenizer;
  const std::vector<int32_t> tokens = tokenizer.encode_document(text);
  const std::span<const int32_t> all = tokens;
  const size_t first = tokens.size() - 300;
  stream.feed(all.first(first), {});
  const at::Tensor logits_MV = stream.feed(all.subspan(first)).to(at::kDouble);
  const at::Tensor log_probability_MV = at::log_softmax(logits_MV, 1);
  for (size_t i = first + 1; i < tokens.size(); ++i) {
    const double expected =
        -log_probability_MV[static_cast<int64_t>(i - first - 1)][tokens[i]].item<double>();
    ASSERT_NEAR(*scores.tokens[i].nats, expected, 1e-4) << "token " << i;
  }
}

TEST(Scorer, AnEmptyTextHasOnlyItsEnd) {
  const Scores scores = score_text(tiny_model(), "", 1);
  ASSERT_EQ(scores.tokens.size(), 1U);
  EXPECT_FALSE(scores.tokens[0].nats);
  EXPECT_EQ(scores.total.tokens, 0);
}

}  // namespace
}  // namespace brt
