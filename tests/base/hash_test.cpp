// SPDX-License-Identifier: Apache-2.0
// XXH3 of bytes, parts and files.
#include "base/hash.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"

namespace brt {
namespace {

std::string mixed_bytes(size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<char>((i * 131 + i / 7) & 0xff);
  }
  return bytes;
}

TEST(Hash, IsXxh3) {
  EXPECT_EQ(hash_bytes(""), 0x2d06800538d394c2U);
  EXPECT_EQ(hash_bytes("abc"), 0x78af5f94892f3950U);
}

TEST(Hash, DependsOnEveryByteAndOnTheSeed) {
  const std::string bytes = mixed_bytes(1000);
  for (const size_t at : {size_t{0}, size_t{500}, size_t{999}}) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_NE(hash_bytes(changed), hash_bytes(bytes));
  }
  EXPECT_NE(hash_bytes(bytes, 1), hash_bytes(bytes, 2));
}

TEST(Hash, OfPartsIsThatOfAllOfThemJoined) {
  const std::string bytes = mixed_bytes(5000);
  for (const size_t part : {size_t{1}, size_t{240}, size_t{241}, size_t{1024}, size_t{5000}}) {
    StreamingHash hash;
    for (size_t begin = 0; begin < bytes.size(); begin += part) {
      const std::string_view piece = std::string_view(bytes).substr(begin, part);
      hash.update(piece.data(), piece.size());
    }
    EXPECT_EQ(hash.digest(), hash_bytes(bytes)) << "parts of " << part;
  }
  EXPECT_EQ(StreamingHash().digest(), hash_bytes(""));
}

TEST(Hash, AMovedHashGoesOn) {
  StreamingHash first;
  first.update("ab", 2);
  StreamingHash second = std::move(first);
  second.update("c", 1);
  EXPECT_EQ(second.digest(), hash_bytes("abc"));
}

TEST(Hash, OfAFileIsThatOfItsBytes) {
  const std::filesystem::path file =
      std::filesystem::path(testing::TempDir()) / "brt_hash_test.bin";
  const std::string bytes = mixed_bytes((size_t{1} << 20) + 17);  // more than one piece
  write_file_atomically(file, bytes);
  EXPECT_EQ(hash_file(file), hash_bytes(bytes));
  std::filesystem::remove(file);
  EXPECT_THROW(hash_file(file), DataError);
}

TEST(Hash, TextHasSixteenDigits) {
  EXPECT_EQ(hash_text(0xabcU), "0000000000000abc");
  EXPECT_EQ(hash_text(0xfedcba9876543210U), "fedcba9876543210");
}

}  // namespace
}  // namespace brt
