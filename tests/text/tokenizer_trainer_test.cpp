// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer_trainer.h"

#include <stdexcept>

#include <gtest/gtest.h>

#include "base/error.h"
#include "sample_text.h"

namespace brt {
namespace {

std::string message_of_training(const std::string& text, const TokenizerTrainerOptions& options) {
  try {
    train_tokenizer(test::lines_of(text), options);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

SentencePieceTokenizer trained_on(const std::string& text, const TokenizerTrainerOptions& options) {
  return SentencePieceTokenizer(train_tokenizer(test::lines_of(text), options), "trained");
}

bool has_piece(const SentencePieceTokenizer& tokenizer, std::string_view wanted) {
  for (int32_t token = 2; token < tokenizer.vocab_size(); ++token) {
    if (tokenizer.token_bytes(token) == wanted) {
      return true;
    }
  }
  return false;
}

TEST(TokenizerTrainer, TheSameTextGivesTheSameModel) {
  const std::string text = test::sample_prose(60000, 5);
  for (const std::string type : {"bpe", "unigram"}) {
    const TokenizerTrainerOptions options{.vocab_size = 400, .type = type};
    EXPECT_TRUE(train_tokenizer(test::lines_of(text), options) ==
                train_tokenizer(test::lines_of(text), options))
        << type;
  }
}

TEST(TokenizerTrainer, TheVocabularyHasTheSizeAskedFor) {
  const std::string text = test::sample_prose(60000, 5);
  for (const std::string type : {"bpe", "unigram"}) {
    for (const int64_t size : {300, 333, 500}) {
      EXPECT_EQ(trained_on(text, {.vocab_size = size, .type = type}).vocab_size(), size) << type;
    }
  }
}

TEST(TokenizerTrainer, IndentationBecomesOnePiece) {
  EXPECT_TRUE(has_piece(test::trained_tokenizer("bpe"), "        "));
}

TEST(TokenizerTrainer, WhatTheLibraryWouldChangeOrDropIsCutOut) {
  std::string text;
  for (int i = 0; i < 300; ++i) {
    text +=
        "golden\xE2\x96\x85golden\xFFsilver\tsilver\xE2\x96\x81"
        "copper</s>copper<0x41>\r\n";
    text += std::string("golden\0silver copper", 20) + "\n";
  }
  const SentencePieceTokenizer tokenizer = trained_on(text, {.vocab_size = 290});
  EXPECT_TRUE(tokenizer.is_lossless());
  for (const std::string word : {"golden", "silver", "copper"}) {
    EXPECT_TRUE(has_piece(tokenizer, word)) << word;
  }
  EXPECT_EQ(tokenizer.decode(tokenizer.encode_document(text)), text);
}

TEST(TokenizerTrainer, LinesThatAreTooLongAreCutAndNotDropped) {
  std::string line;
  for (int i = 0; i < 3000; ++i) {
    line += i % 3 == 0 ? "golden " : "silver\xC3\xA9 ";
  }
  const SentencePieceTokenizer tokenizer =
      trained_on(line, {.vocab_size = 285, .max_sentence_bytes = 64});
  EXPECT_TRUE(has_piece(tokenizer, " golden"));
  EXPECT_TRUE(has_piece(tokenizer, " silver\xC3\xA9"));
}

TEST(TokenizerTrainer, ALineWithoutSpacesIsCutBetweenCharacters) {
  std::string line;
  for (int i = 0; i < 5000; ++i) {
    line += "\xC3\xA9";
    line += static_cast<char>('a' + i % 7);
  }
  EXPECT_TRUE(trained_on(line, {.vocab_size = 275, .max_sentence_bytes = 10}).is_lossless());
}

TEST(TokenizerTrainer, ATextWithoutSpacesGivesAModelThatKeepsSpaces) {
  std::string text;
  for (int i = 0; i < 300; ++i) {
    text += "golden\nsilver\ncopper\n";
  }
  const SentencePieceTokenizer tokenizer = trained_on(text, {.vocab_size = 280});
  EXPECT_TRUE(tokenizer.is_lossless());
  EXPECT_EQ(tokenizer.decode(tokenizer.encode_document(" golden  silver ")), " golden  silver ");
}

TEST(TokenizerTrainer, TextBeyondTheLimitIsNotRead) {
  const std::function<std::optional<std::string>()> lines =
      test::lines_of(test::sample_prose(200000, 6));
  int64_t bytes = 0;
  train_tokenizer(
      [&]() {
        std::optional<std::string> line = lines();
        bytes += line ? static_cast<int64_t>(line->size()) : 0;
        return line;
      },
      {.vocab_size = 300, .max_training_bytes = 20000});
  EXPECT_GE(bytes, 20000);
  EXPECT_LT(bytes, 25000);
}

TEST(TokenizerTrainer, TooLittleTextIsAnErrorThatNamesASizeThatWorks) {
  const std::string text = test::sample_prose(3000, 7);
  for (const std::string type : {"bpe", "unigram"}) {
    const std::string message = message_of_training(text, {.vocab_size = 20000, .type = type});
    EXPECT_NE(message.find("tokenizer training: a vocabulary of 20000 needs more text than"),
              std::string::npos)
        << message;
    const size_t number = message.find("hint: ask for at most ");
    ASSERT_NE(number, std::string::npos) << message;
    const int64_t most = std::stoll(message.substr(number + 22));
    EXPECT_EQ(trained_on(text, {.vocab_size = most, .type = type}).vocab_size(), most);
  }
}

TEST(TokenizerTrainer, TooSmallAVocabularyIsAnErrorThatNamesASizeThatWorks) {
  const std::string text = test::sample_prose(30000, 7);
  const std::string message = message_of_training(text, {.vocab_size = 260});
  const size_t number = message.find("hint: ask for at least ");
  ASSERT_NE(number, std::string::npos) << message;
  const int64_t least = std::stoll(message.substr(number + 23));
  EXPECT_EQ(trained_on(text, {.vocab_size = least}).vocab_size(), least);
}

TEST(TokenizerTrainer, BadOptionsAndMissingTextAreErrors) {
  EXPECT_EQ(message_of_training("a b", {.type = "word"}),
            "tokenizer training: type must be bpe or unigram, got \"word\"");
  EXPECT_NE(message_of_training("a b", {.vocab_size = 258}).find("larger than 258, got 258"),
            std::string::npos);
  EXPECT_NE(message_of_training("a b", {.max_sentence_bytes = 1}).find("max_sentence_bytes"),
            std::string::npos);
  EXPECT_NE(message_of_training("a b", {.threads = 0}).find("threads"), std::string::npos);
  for (const std::string nothing : {"", "\n\n", "\xFF\xFE\n\t\n"}) {
    EXPECT_NE(message_of_training(nothing, {}).find("tokenizer training: there is no text"),
              std::string::npos);
  }
}

TEST(TokenizerTrainer, AFailureOfTheSourceOfLinesComesThrough) {
  int count = 0;
  const auto failing = [&]() -> std::optional<std::string> {
    if (++count > 10) {
      throw DataError("books.tar: damaged");
    }
    return "some text of a line";
  };
  EXPECT_THROW(train_tokenizer(failing, {.vocab_size = 300}), DataError);
}

}  // namespace
}  // namespace brt
