// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "sample_text.h"
#include "text/byte_tokenizer.h"

namespace brt {
namespace {

/// A folder of this test, removed at the end.
class TokenizerFiles : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) /
              ("brt_" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
};

std::string message_of_loading(const std::string& name) {
  try {
    load_tokenizer(name);
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

TEST(ByteTokenizer, TokensAreTheBytes) {
  const ByteTokenizer tokenizer;
  EXPECT_EQ(tokenizer.kind(), "bytes");
  EXPECT_EQ(tokenizer.vocab_size(), 257);
  EXPECT_EQ(tokenizer.document_end(), 256);
  EXPECT_TRUE(tokenizer.is_lossless());
  EXPECT_EQ(tokenizer.serialized(), "");
  EXPECT_EQ(tokenizer.encode_document(std::string("A\0\xFF", 3)),
            (std::vector<int32_t>{65, 0, 255}));
  EXPECT_EQ(tokenizer.token_bytes(256), "");
}

TEST(ByteTokenizer, EncodeAppendsToWhatIsThere) {
  std::vector<int32_t> tokens = {256};
  ByteTokenizer().encode("hi", tokens);
  EXPECT_EQ(tokens, (std::vector<int32_t>{256, 104, 105}));
}

TEST(ByteTokenizer, EveryInputComesBack) {
  SeededRandom random(1);
  const ByteTokenizer tokenizer;
  for (const size_t size : {size_t{0}, size_t{1}, size_t{1000}, size_t{600000}}) {
    const std::string text = test::random_bytes(size, random);
    EXPECT_TRUE(tokenizer.decode(tokenizer.encode_document(text)) == text) << size;
  }
}

TEST(ByteTokenizer, ATokenOutsideTheVocabularyIsAnError) {
  const ByteTokenizer tokenizer;
  EXPECT_THROW(tokenizer.token_bytes(-1), DataError);
  try {
    tokenizer.token_bytes(257);
    FAIL();
  } catch (const DataError& error) {
    EXPECT_STREQ(error.what(), "token 257 is outside [0, 257)");
  }
}

TEST(Tokenizer, FingerprintsTellTokenizersApart) {
  const uint64_t bytes = ByteTokenizer().fingerprint();
  const uint64_t bpe = test::trained_tokenizer("bpe").fingerprint();
  const uint64_t unigram = test::trained_tokenizer("unigram").fingerprint();
  EXPECT_EQ(bytes, load_tokenizer("bytes")->fingerprint());
  EXPECT_NE(bytes, bpe);
  EXPECT_NE(bytes, unigram);
  EXPECT_NE(bpe, unigram);
}

TEST_F(TokenizerFiles, AFolderWithoutAModelHasBytes) {
  EXPECT_EQ(load_folder_tokenizer(folder_)->kind(), "bytes");
}

TEST_F(TokenizerFiles, AFolderWithAModelHasThatModel) {
  const SentencePieceTokenizer& trained = test::trained_tokenizer("bpe");
  write_file_atomically(folder_ / "tokenizer.model", trained.serialized());
  const std::unique_ptr<Tokenizer> loaded = load_folder_tokenizer(folder_);
  EXPECT_EQ(loaded->kind(), "sentencepiece");
  EXPECT_EQ(loaded->fingerprint(), trained.fingerprint());
}

TEST_F(TokenizerFiles, WhatIsNotAModelIsAnErrorThatNamesTheFile) {
  const std::string path = (folder_ / "some.model").string();
  EXPECT_EQ(message_of_loading(path),
            "tokenizer: no file \"" + path +
                "\"\nhint: give \"bytes\" or the path of a SentencePiece model; `brt tokenizer "
                "train` makes one");
  EXPECT_NE(message_of_loading(folder_.string()).find("is a folder, not a file"),
            std::string::npos);
  for (const std::string contents : {"", "just some text", "\x0A\xFF\xFF\xFF\xFF\x0F"}) {
    write_file_atomically(path, contents);
    EXPECT_EQ(
        message_of_loading(path),
        path + ": not a SentencePiece model\nhint: `brt tokenizer train` makes a model that fits");
  }
}

TEST_F(TokenizerFiles, AModelFolderHasTokenizerModelOrSaysBytes) {
  const auto message = [this] {
    try {
      load_model_tokenizer(folder_);
    } catch (const CheckpointError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  const std::string missing = (folder_ / "tokenizer.model").string() + ": is missing";
  EXPECT_EQ(message(), "no error");  // no config: who reads the model says so
  write_file_atomically(folder_ / "config.json", "[]");
  EXPECT_EQ(message(), "no error");  // as of one that is damaged
  for (const char* config : {"{}", "{\"tokenizer\": \"sentencepiece\"}", "{\"tokenizer\": 1}"}) {
    write_file_atomically(folder_ / "config.json", config);
    EXPECT_TRUE(message().starts_with(missing)) << config;
  }
  EXPECT_NE(message().find("\nhint: copy the tokenizer.model"), std::string::npos);
  write_file_atomically(folder_ / "config.json", "{\"tokenizer\": \"bytes\"}");
  EXPECT_EQ(load_model_tokenizer(folder_)->kind(), "bytes");
  write_file_atomically(folder_ / "tokenizer.model", test::trained_tokenizer("bpe").serialized());
  EXPECT_NE(message().find("says \"tokenizer\": \"bytes\""), std::string::npos);
  write_file_atomically(folder_ / "config.json", "{}");
  EXPECT_EQ(load_model_tokenizer(folder_)->kind(), "sentencepiece");
}

}  // namespace
}  // namespace brt
