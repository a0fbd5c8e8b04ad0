// SPDX-License-Identifier: Apache-2.0
// Every input comes back, its size is the model's surprise, and no damage goes unseen.
#include "compression/compression.h"

#include <algorithm>
#include <numbers>

#include <gtest/gtest.h>

#include "base/error.h"
#include "compression/compressed_text.h"
#include "engine/tiny_model_folder.h"
#include "generate/prompt_reader.h"
#include "generate/scorer.h"
#include "generate/text_generator.h"
#include "support/random_text.h"
#include "support/text_assertions.h"
#include "text/byte_tokenizer.h"

namespace brt {
namespace {

constexpr size_t kConstantBytes = 52;  // header, one block's frame and the end

std::string random_bytes(size_t count, uint64_t seed) {
  SeededRandom random(seed);
  std::string bytes;
  while (bytes.size() < count) {
    bytes.push_back(static_cast<char>(random.below(256)));
  }
  return bytes;
}

/// A text that the tiny model itself writes, so that it predicts it well.
std::string likely_text(int64_t tokens) {
  const ByteTokenizer tokenizer;
  Session session{.stream = tiny_engine().begin(), .text = {}};
  session.text.sampler = {.min_p = 0.1};
  PromptReader reader(tiny_engine(), tokenizer, session);
  reader.append("It was");
  reader.finish();
  std::string text = "It was";
  continue_texts(tiny_engine(), tokenizer, {&session, 1}, {.max_tokens = tokens},
                 [&](size_t, std::string_view part) { text += part; });
  return text;
}

TEST(Compression, EveryInputComesBack) {
  const ByteTokenizer tokenizer;
  for (const std::string& text :
       {std::string(), likely_text(3000), likely_text(70000) + random_bytes(70000, 2) + "likely",
        std::string("a"), std::string("\xff"), random_text(3000, 4), random_bytes(3000, 5),
        std::string(5000, '\0'), std::string("\xc3\xab\xc3 \xe2\x82")}) {
    const std::string file = compress(tiny_engine(), tokenizer, text);
    EXPECT_EQ(decompress_all(tiny_engine(), tokenizer, file), text);
  }
}

TEST(Compression, ATextOfSeveralPiecesComesBack) {
  const ByteTokenizer tokenizer;
  const std::string text = likely_text((1 << 16) + 500);
  const std::string file = compress(tiny_engine(), tokenizer, text, 7000);
  EXPECT_EQ(decompress_all(tiny_engine(), tokenizer, file, 100), text);
}

TEST(Compression, TheFileDoesNotDependOnTheParts) {
  const ByteTokenizer tokenizer;
  const std::string text = likely_text(900);
  const std::string file = compress(tiny_engine(), tokenizer, text);
  EXPECT_EQ(compress(tiny_engine(), tokenizer, text, 1), file);
  EXPECT_EQ(decompress_all(tiny_engine(), tokenizer, file, 1), text);
}

TEST(Compression, SizeIsTheScoreAndASmallConstant) {
  const ByteTokenizer tokenizer;
  const std::string text = likely_text(30000);
  Session session{.stream = tiny_engine().begin(), .text = {}};
  Scorer scorer(tiny_engine(), tokenizer, session, [](const TokenScore&) {});
  scorer.append(text);
  scorer.finish();
  const double expected = scorer.total().nats / std::numbers::ln2 / 8.0;
  const double size = static_cast<double>(compress(tiny_engine(), tokenizer, text).size());
  EXPECT_LT(expected, 0.95 * static_cast<double>(text.size()));
  EXPECT_GT(size, expected);
  EXPECT_LT(size, expected * 1.001 + static_cast<double>(kConstantBytes));
}

TEST(Compression, NoInputGrowsByMuch) {
  const ByteTokenizer tokenizer;
  for (const std::string& text : {random_bytes(3000, 9), std::string(3000, '\0')}) {
    EXPECT_LT(compress(tiny_engine(), tokenizer, text).size(), text.size() + kConstantBytes + 32);
  }
}

TEST(Compression, AnEmptyTextIsSmall) {
  EXPECT_LE(compress(tiny_engine(), ByteTokenizer(), "").size(), kConstantBytes);
}

TEST(Compression, AFlippedBitAnywhereIsRefused) {
  const ByteTokenizer tokenizer;
  const std::string text = likely_text(60);
  const std::string file = compress(tiny_engine(), tokenizer, text);
  for (size_t bit = 0; bit < file.size() * 8; ++bit) {
    std::string damaged = file;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_THROW(decompress_all(tiny_engine(), tokenizer, damaged), Error) << "bit " << bit;
  }
}

TEST(Compression, EveryTruncationAndAddedByteIsRefused) {
  const ByteTokenizer tokenizer;
  const std::string file = compress(tiny_engine(), tokenizer, likely_text(60));
  for (size_t size = 0; size < file.size(); ++size) {
    EXPECT_THROW(decompress_all(tiny_engine(), tokenizer, file.substr(0, size)), DataError) << size;
  }
  EXPECT_TRUE(contains(
      thrown_message<DataError>([&] { decompress_all(tiny_engine(), tokenizer, file + "x"); }),
      "something follows"));
}

TEST(Compression, ALeftOutBlockIsRefused) {
  std::string file;
  CompressedFileWriter writer(identify(tiny_engine(), ByteTokenizer()),
                              [&](std::string_view bytes) { file += bytes; });
  const size_t header = file.size();
  writer.append(random_bytes(3 << 16, 12));
  const size_t block = (file.size() - header) / 3;
  writer.finish({});
  CompressedFileReader whole("file", source_of(file));
  while (!whole.next_block().empty()) {
  }
  file.erase(header + block, block);
  CompressedFileReader reader("file", source_of(file));
  reader.next_block();
  EXPECT_TRUE(contains(thrown_message<DataError>([&] { reader.next_block(); }), "checksum"));
}

TEST(Compression, AnotherModelIsRefusedWithBothFingerprints) {
  const TinyModelFolder folder(tiny_config(), 4);
  Engine other(folder.path(), {.weights = WeightFormat::kFloat32, .threads = 1});
  const std::string file = compress(tiny_engine(), ByteTokenizer(), "abc");
  const std::string message =
      thrown_message<CheckpointError>([&] { decompress_all(other, ByteTokenizer(), file); });
  EXPECT_TRUE(contains(message, hash_text(tiny_engine().fingerprint())));
  EXPECT_TRUE(contains(message, hash_text(other.fingerprint())));
}

TEST(Compression, AnotherWeightFormatAndKernelTargetAreRefusedWithBothNamed) {
  const TinyModelFolder folder;
  Engine other(folder.path(), {.weights = WeightFormat::kBfloat16, .threads = 1});
  const std::string file = compress(tiny_engine(), ByteTokenizer(), "abc");
  const std::string message =
      thrown_message<CheckpointError>([&] { decompress_all(other, ByteTokenizer(), file); });
  EXPECT_TRUE(contains(message, "weights in fp32"));
  EXPECT_TRUE(contains(message, "read in bf16"));

  ModelIdentity elsewhere = identify(tiny_engine(), ByteTokenizer());
  const bool is_scalar = elsewhere.kernel_target == "scalar";
  elsewhere.kernel_target = is_scalar ? "avx512" : "scalar";
  std::string moved;
  CompressedFileWriter writer(elsewhere, [&](std::string_view bytes) { moved += bytes; });
  writer.finish({});
  EXPECT_TRUE(contains(thrown_message<CheckpointError>(
                           [&] { decompress_all(tiny_engine(), ByteTokenizer(), moved); }),
                       "hint: set BRT_CPU_TARGET=" + elsewhere.kernel_target));
}

/// Loses capital letters, as many tokenizers of others do.
class LossyTokenizer final : public Tokenizer {
 public:
  std::string kind() const override { return "lossy"; }
  int64_t vocab_size() const override { return bytes_.vocab_size(); }
  int32_t document_end() const override { return bytes_.document_end(); }
  void encode(std::string_view piece, std::vector<int32_t>& tokens) const override {
    for (const char byte : piece) {
      tokens.push_back(byte >= 'A' && byte <= 'Z' ? byte - 'A' + 'a'
                                                  : static_cast<unsigned char>(byte));
    }
  }
  std::string_view token_bytes(int32_t token) const override { return bytes_.token_bytes(token); }
  bool is_lossless() const override { return false; }
  const std::string& serialized() const override { return bytes_.serialized(); }

 private:
  ByteTokenizer bytes_;
};

TEST(Compression, TextThatTheTokenizerLosesIsKeptAsBytes) {
  const LossyTokenizer tokenizer;
  for (const std::string& text : {std::string("It WAS"), std::string("\xff\0Z", 3)}) {
    const std::string file = compress(tiny_engine(), tokenizer, text);
    EXPECT_EQ(decompress_all(tiny_engine(), tokenizer, file), text);
  }
}

}  // namespace
}  // namespace brt
