// SPDX-License-Identifier: Apache-2.0
// Scores of single tokens, and that their sum is what evaluation finds.
#include "generate/scorer.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"
#include "engine/predictions.h"
#include "engine/tiny_model_folder.h"
#include "support/random_text.h"
#include "support/text_assertions.h"
#include "text/byte_tokenizer.h"

namespace brt {
namespace {

struct Scores {
  std::vector<TokenScore> tokens;
  ScoreTotal total;
};

/// Scores a text in parts; `cuts`: after each of them all is scored.
Scores score_text(Engine& engine, std::string_view text, size_t part, bool cuts = false) {
  static const ByteTokenizer tokenizer;
  Scores scores;
  Session session{.stream = engine.begin(), .text = {}};
  Scorer scorer(engine, tokenizer, session,
                [&](const TokenScore& score) { scores.tokens.push_back(score); });
  for (size_t from = 0; from < text.size(); from += part) {
    scorer.append(text.substr(from, part));
    if (cuts) {
      scorer.cut();
    }
  }
  scorer.finish();
  scores.total = scorer.total();
  return scores;
}

TEST(Scorer, GivesEveryTokenInOrderAndTheEndLast) {
  const Scores scores = score_text(tiny_engine(), "Zo\xc3\xab!", 2);
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

TEST(Scorer, NatsAreThoseOfTheSoftmax) {
  const ByteTokenizer tokenizer;
  const std::vector<int32_t> tokens = tokenizer.encode_document("abcab");
  const Scores scores = score_text(tiny_engine(), "abcab", 100);
  StreamState stream = tiny_engine().begin();
  for (size_t i = 0; i + 1 < tokens.size(); ++i) {
    tiny_engine().feed(stream, {&tokens[i], 1});
    double sum = 0.0;
    for (const float logit : stream.logits()) {
      sum += std::exp(static_cast<double>(logit));
    }
    const double logit = static_cast<double>(stream.logits()[static_cast<size_t>(tokens[i + 1])]);
    EXPECT_NEAR(*scores.tokens[i + 1].nats, std::log(sum) - logit, 1e-9) << i;
  }
}

TEST(Scorer, BytesScoredLineByLineEqualThoseOfTheWhole) {
  const std::string text = random_text(200, 4);
  const Scores whole = score_text(tiny_engine(), text, 1000);
  const Scores cut = score_text(tiny_engine(), text, 17, /*cuts=*/true);
  ASSERT_EQ(cut.tokens.size(), whole.tokens.size());
  for (size_t i = 0; i < cut.tokens.size(); ++i) {
    EXPECT_EQ(cut.tokens[i].nats, whole.tokens[i].nats) << i;
  }
}

TEST(Scorer, ALongTextOfSeveralPiecesIsOneDocument) {
  const std::string text = random_text((1 << 16) + 200, 9);
  const Scores pieces = score_text(tiny_engine(), text, 5000);
  ASSERT_EQ(pieces.tokens.size(), text.size() + 1);
  // The last tokens, after the border of the pieces, against a stream fed otherwise.
  const ByteTokenizer tokenizer;
  const std::vector<int32_t> tokens = tokenizer.encode_document(text);
  StreamState stream = tiny_engine().begin();
  const size_t first = tokens.size() - 300;
  tiny_engine().feed(stream, std::span<const int32_t>(tokens).first(first));
  for (size_t i = first; i < tokens.size(); ++i) {
    ASSERT_EQ(*pieces.tokens[i].nats, token_nats(stream.logits(), tokens[i])) << "token " << i;
    tiny_engine().feed(stream, {&tokens[i], 1});
  }
}

TEST(Scorer, AnEmptyTextHasOnlyItsEnd) {
  const Scores scores = score_text(tiny_engine(), "", 1);
  ASSERT_EQ(scores.tokens.size(), 1U);
  EXPECT_FALSE(scores.tokens[0].nats);
  EXPECT_EQ(scores.total.tokens, 0);
}

TEST(Scorer, AProbabilityThatIsNoNumberIsRefusedByItsToken) {
  const TinyModelFolder folder;  // finite weights whose logits are not
  folder.change("final_norm.weight", [](float& value, int64_t /*index*/) { value = 1e38F; });
  folder.change("embedding.weight", [](float& value, int64_t /*index*/) { value *= 1e6F; });
  Engine engine(folder.path(), {.weights = WeightFormat::kFloat32, .threads = 1});
  EXPECT_TRUE(contains(thrown_message<DataError>([&] { score_text(engine, "abc", 100); }),
                       "score: token 1 at byte 1 has a probability that is not a finite number"));
}

TEST(Scorer, GoesOnWhereASessionStands) {
  const ByteTokenizer tokenizer;
  const std::string text = random_text(90, 12);
  const Scores whole = score_text(tiny_engine(), text, 1000);
  Session session{.stream = tiny_engine().begin(), .text = {}};
  std::vector<TokenScore> tokens;
  for (const std::string_view part :
       {std::string_view(text).substr(0, 41), std::string_view(text).substr(41)}) {
    Scorer scorer(tiny_engine(), tokenizer, session,
                  [&](const TokenScore& score) { tokens.push_back(score); });
    scorer.append(part);
    scorer.cut();
  }
  ASSERT_EQ(tokens.size() + 1, whole.tokens.size());
  for (size_t i = 0; i < tokens.size(); ++i) {
    EXPECT_EQ(tokens[i].index, whole.tokens[i].index);
    EXPECT_EQ(tokens[i].byte_offset, whole.tokens[i].byte_offset);
    EXPECT_EQ(tokens[i].nats, whole.tokens[i].nats);
  }
}

/// A byte a token, as a SentencePiece model that puts a space first and drops doubled ones would
/// have it.
class SpacingTokenizer final : public Tokenizer {
 public:
  std::string kind() const override { return "spacing"; }
  int64_t vocab_size() const override { return bytes_.vocab_size(); }
  int32_t document_end() const override { return bytes_.document_end(); }
  bool is_lossless() const override { return false; }
  const std::string& serialized() const override { return bytes_.serialized(); }
  std::string_view token_bytes(int32_t token) const override { return bytes_.token_bytes(token); }
  void encode(std::string_view piece, std::vector<int32_t>& tokens) const override {
    std::vector<size_t> offsets;
    encode_with_offsets(piece, tokens, offsets);
  }
  void encode_with_offsets(std::string_view piece,
                           std::vector<int32_t>& tokens,
                           std::vector<size_t>& offsets) const override {
    tokens.push_back(' ');
    offsets.push_back(0);
    for (size_t i = 0; i < piece.size(); ++i) {
      if (piece[i] != ' ' || i == 0 || piece[i - 1] != ' ') {
        tokens.push_back(static_cast<unsigned char>(piece[i]));
        offsets.push_back(i);
      }
    }
  }

 private:
  ByteTokenizer bytes_;
};

TEST(Scorer, OffsetsAreOfTheTextWhateverTheTokenizerMakesOfIt) {
  const SpacingTokenizer tokenizer;
  Session session{.stream = tiny_engine().begin(), .text = {}};
  std::vector<int64_t> offsets;
  std::string text;
  Scorer scorer(
      tiny_engine(), tokenizer, session,
      [&](const TokenScore& score) { offsets.push_back(score.byte_offset); },
      [&](std::string_view piece) { text += piece; });
  for (const char* line : {"a  b\n", "   ", "c\n"}) {
    scorer.append(line);
    scorer.cut();
  }
  scorer.finish();
  EXPECT_EQ(offsets, (std::vector<int64_t>{0, 0, 1, 3, 4, 5, 5, 8, 8, 9, 10}));
  EXPECT_EQ(session.text.bytes_read, 10);
  EXPECT_EQ(scorer.total().bytes, 10);
  EXPECT_EQ(text, "a  b\n   c\n");
}

TEST(Scorer, WhatWasTakenOutAndGivenAgainIsScoredAsTheWhole) {
  const std::string text = random_text((1 << 16) + 500, 21);
  const Scores whole = score_text(tiny_engine(), text, 5000);
  const ByteTokenizer tokenizer;
  Session session{.stream = tiny_engine().begin(), .text = {}};
  std::vector<TokenScore> tokens;
  std::string rest;
  for (const std::string_view part : {std::string_view(text).substr(0, (1 << 16) + 300),
                                      std::string_view(text).substr((1 << 16) + 300)}) {
    Scorer scorer(tiny_engine(), tokenizer, session,
                  [&](const TokenScore& score) { tokens.push_back(score); });
    scorer.append(rest);
    scorer.append(part);
    rest = scorer.take_rest();
    EXPECT_EQ(session.text.bytes_read, static_cast<int64_t>(tokens.size()));
  }
  Scorer scorer(tiny_engine(), tokenizer, session,
                [&](const TokenScore& score) { tokens.push_back(score); });
  scorer.append(rest);
  scorer.finish();
  ASSERT_EQ(tokens.size(), whole.tokens.size());
  for (size_t i = 0; i < tokens.size(); ++i) {
    ASSERT_EQ(tokens[i].nats, whole.tokens[i].nats) << i;
    ASSERT_EQ(tokens[i].byte_offset, whole.tokens[i].byte_offset) << i;
  }
}

}  // namespace
}  // namespace brt
