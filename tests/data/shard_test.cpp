// SPDX-License-Identifier: Apache-2.0
// A shard gives back what was written, and no damage goes unnoticed.
#include "data/shard.h"

#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/seeded_random.h"
#include "data/data_fixtures.h"

namespace brt {
namespace {

using testing::message_of;
using testing::TemporaryFolder;

/// Two documents; the tokens reach up to the vocabulary's last.
std::string tiny_shard(const TemporaryFolder& folder, int64_t vocab_size) {
  const std::filesystem::path path = folder / "tiny.brt";
  ShardWriter writer(path, vocab_size);
  const int32_t last = static_cast<int32_t>(vocab_size - 1);
  writer.append_tokens(std::vector<int32_t>{1, 2});
  writer.append_tokens(std::vector<int32_t>{last});
  writer.end_document("first", 10, 2);
  writer.append_tokens(std::vector<int32_t>{7, 0});
  writer.end_document("", 1, 1);
  writer.finish();
  return read_file(path);
}

std::string open_message(const std::filesystem::path& path, std::string_view bytes) {
  testing::write_text(path, bytes);
  return message_of<DataError>([&] { Shard shard(path); });
}

/// Makes the checksum right again, so that the checks behind it are reached.
void seal(std::string& bytes) {
  const uint64_t checksum = hash_bytes(std::string_view(bytes).substr(0, bytes.size() - 16));
  std::memcpy(bytes.data() + bytes.size() - 16, &checksum, sizeof(checksum));
}

class ShardOfWidth : public ::testing::TestWithParam<int64_t> {};
INSTANTIATE_TEST_SUITE_P(Vocabularies,
                         ShardOfWidth,
                         ::testing::Values(8, 257, 65536, 65537, 1000000));

TEST_P(ShardOfWidth, GivesBackWhatWasWritten) {
  const TemporaryFolder folder;
  tiny_shard(folder, GetParam());
  const Shard shard(folder / "tiny.brt");
  EXPECT_EQ(shard.vocab_size(), GetParam());
  ASSERT_EQ(shard.documents().size(), 2u);
  EXPECT_EQ(shard.documents()[0].name, "first");
  EXPECT_EQ(shard.documents()[0].tokens, 3);
  EXPECT_EQ(shard.documents()[0].bytes, 10);
  EXPECT_EQ(shard.documents()[0].words, 2);
  EXPECT_EQ(shard.documents()[1].tokens, 2);
  EXPECT_EQ(shard.summary().tokens, 5);
  EXPECT_EQ(shard.summary().bytes, 11);
  std::vector<int32_t> tokens(3);
  shard.read(0, 0, tokens);
  EXPECT_EQ(tokens, (std::vector<int32_t>{1, 2, static_cast<int32_t>(GetParam() - 1)}));
  tokens.resize(1);
  shard.read(1, 0, tokens);
  EXPECT_EQ(tokens, std::vector<int32_t>{7});
}

TEST(Shard, TokensTakeTwoBytesUpTo65536) {
  const TemporaryFolder folder;
  const size_t narrow = tiny_shard(folder, 65536).size();
  const size_t wide = tiny_shard(folder, 65537).size();
  EXPECT_EQ(wide - narrow, 24u - 16u);  // 5 tokens, padded to 8 bytes
}

TEST(Shard, TruncationAtEveryByteIsRefused) {
  const TemporaryFolder folder;
  const std::string bytes = tiny_shard(folder, 257);
  for (size_t size = 0; size < bytes.size(); ++size) {
    const std::string message = open_message(folder / "cut.brt", bytes.substr(0, size));
    EXPECT_NE(message.find("cut.brt: "), std::string::npos) << size << ": " << message;
    EXPECT_NE(message.find("cut short"), std::string::npos) << size << ": " << message;
  }
}

TEST(Shard, AnyFlippedBitIsRefused) {
  const TemporaryFolder folder;
  const std::string bytes = tiny_shard(folder, 257);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string altered = bytes;
    altered[bit / 8] = static_cast<char>(altered[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_NE(open_message(folder / "flipped.brt", altered), "(nothing was thrown)") << bit;
  }
}

TEST(Shard, BytesAfterTheEndAreRefused) {
  const TemporaryFolder folder;
  const std::string bytes = tiny_shard(folder, 257);
  EXPECT_NE(open_message(folder / "long.brt", bytes + "x"), "(nothing was thrown)");
  EXPECT_NE(open_message(folder / "twice.brt", bytes + bytes), "(nothing was thrown)");
}

TEST(Shard, AnotherVersionIsNamed) {
  const TemporaryFolder folder;
  std::string bytes = tiny_shard(folder, 257);
  bytes[8] = 2;
  seal(bytes);
  EXPECT_NE(open_message(folder / "new.brt", bytes).find("version 2"), std::string::npos);
}

TEST(Shard, TokensOutsideTheVocabularyAreRefused) {
  const TemporaryFolder folder;
  std::string bytes = tiny_shard(folder, 257);
  bytes[16] = 4;  // vocabulary of 260, then of 4
  bytes[17] = 0;
  seal(bytes);
  EXPECT_NE(open_message(folder / "small.brt", bytes).find("holds token 256, its vocabulary has 4"),
            std::string::npos);
}

TEST(Shard, GarbageWithARightChecksumNeverReadsOutside) {
  const TemporaryFolder folder;
  const std::string bytes = tiny_shard(folder, 257);
  SeededRandom random(7);
  int refused = 0;
  for (int trial = 0; trial < 4000; ++trial) {
    std::string altered = bytes;
    const size_t size = 1 + random.below(8);
    const size_t place = random.below(altered.size() - 16 - size);
    for (size_t i = 0; i < size; ++i) {
      altered[place + i] = static_cast<char>(random.below(2) == 0 ? 0xff : random.below(256));
    }
    seal(altered);
    testing::write_text(folder / "garbage.brt", altered);
    try {
      const Shard shard(folder / "garbage.brt");
      for (size_t i = 0; i < shard.documents().size(); ++i) {
        std::vector<int32_t> tokens(static_cast<size_t>(shard.documents()[i].tokens));
        shard.read(static_cast<int64_t>(i), 0, tokens);
      }
    } catch (const DataError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 1000);
}

TEST(Shard, WithoutFinishNothingRemains) {
  const TemporaryFolder folder;
  {
    ShardWriter writer(folder / "gone.brt", 257);
    writer.append_tokens(std::vector<int32_t>(5000000, 1));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace brt
