// SPDX-License-Identifier: Apache-2.0
#include "text/text_chunker.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "sample_text.h"
#include "text/utf8.h"

namespace brt {
namespace {

constexpr size_t kPiece = TextChunker::kPieceBytes;
constexpr size_t kLongest = TextChunker::kLongestPieceBytes;

/// The pieces of a text that arrives in parts of up to `part_bytes` bytes; next() is called after
/// each part, or after all.
std::vector<std::string> pieces_of(std::string_view text,
                                   size_t part_bytes,
                                   bool after_each = true) {
  TextChunker chunker;
  std::vector<std::string> pieces;
  const auto take = [&]() {
    while (std::optional<std::string> piece = chunker.next()) {
      EXPECT_FALSE(piece->empty());
      pieces.push_back(std::move(*piece));
    }
  };
  for (size_t begin = 0; begin < text.size(); begin += part_bytes) {
    chunker.append(text.substr(begin, part_bytes));
    if (after_each) {
      take();
    }
  }
  chunker.finish();
  take();
  return pieces;
}

std::string joined(const std::vector<std::string>& pieces) {
  std::string text;
  for (const std::string& piece : pieces) {
    text += piece;
  }
  return text;
}

TEST(TextChunker, AnEmptyDocumentHasNoPieces) { EXPECT_TRUE(pieces_of("", 1).empty()); }

TEST(TextChunker, AShortDocumentIsOnePiece) {
  EXPECT_EQ(pieces_of(" a b ", 2), std::vector<std::string>{" a b "});
}

TEST(TextChunker, APieceEndsBeforeTheFirstSpaceAfterANonSpace) {
  const std::string word(kPiece, 'x');
  EXPECT_EQ(pieces_of(word + " y z", 7000), (std::vector<std::string>{word, " y z"}));
  const std::string spaced = std::string(kPiece - 1, 'x') + "  y  z";
  EXPECT_EQ(pieces_of(spaced, 7000),
            (std::vector<std::string>{spaced.substr(0, kPiece + 2), "  z"}));
}

TEST(TextChunker, BordersDoNotDependOnTheParts) {
  SeededRandom random(5);
  std::string text = test::sample_prose(300000, 2);
  text += std::string(kLongest + 1234, 'a') + test::random_characters(300000, random);
  text += test::random_bytes(400000, random) + std::string(kLongest * 2, ' ') + "end";
  const std::vector<std::string> expected = pieces_of(text, text.size());
  EXPECT_GT(expected.size(), 6U);
  EXPECT_EQ(joined(expected), text);
  for (const size_t part_bytes : {size_t{1009}, size_t{65536}, size_t{300001}}) {
    EXPECT_TRUE(pieces_of(text, part_bytes) == expected) << part_bytes;
    EXPECT_TRUE(pieces_of(text, part_bytes, /*after_each=*/false) == expected) << part_bytes;
  }
  const std::string_view front = std::string_view(text).substr(0, 70000);
  EXPECT_TRUE(pieces_of(front, 1) == pieces_of(front, front.size()));
}

TEST(TextChunker, WithoutSpacesACutIsAtTheLongestPieceBetweenCharacters) {
  for (const std::string character : {"x", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"}) {
    for (size_t offset = 0; offset < 4; ++offset) {
      std::string text(offset, 'a');
      while (text.size() < kLongest + 10) {
        text += character;
      }
      const std::vector<std::string> pieces = pieces_of(text, 50000);
      ASSERT_EQ(pieces.size(), 2U);
      EXPECT_EQ(joined(pieces), text);
      EXPECT_EQ(valid_utf8_prefix(pieces[0]), pieces[0].size());
      EXPECT_GT(pieces[0].size(), kLongest - character.size());
      EXPECT_LE(pieces[0].size(), kLongest);
    }
  }
}

TEST(TextChunker, BytesThatAreNotUtf8AreCutAtTheLongestPiece) {
  for (const char byte : {'\x80', '\xFF', '\xC0'}) {
    const std::vector<std::string> pieces = pieces_of(std::string(2 * kLongest + 5, byte), 100000);
    ASSERT_EQ(pieces.size(), 3U);
    EXPECT_EQ(pieces[0].size(), kLongest);
    EXPECT_EQ(pieces[1].size(), kLongest);
  }
}

TEST(TextChunker, ADocumentOfExactlyTheLongestPieceIsOnePiece) {
  EXPECT_EQ(pieces_of(std::string(kLongest, 'x'), 4096).size(), 1U);
  EXPECT_EQ(pieces_of(std::string(kLongest + 1, 'x'), 4096).size(), 2U);
}

TEST(TextChunker, AppendAfterFinishIsAnError) {
  TextChunker chunker;
  chunker.finish();
  EXPECT_THROW(chunker.append("a"), Error);
}

TEST(TextChunker, TheRestGivenAgainIsCutAtTheSamePlaces) {
  const std::string text = test::sample_prose(300000, 4);
  const std::vector<std::string> expected = pieces_of(text, text.size());
  for (const size_t first : {size_t{1}, size_t{70000}, size_t{200000}}) {
    TextChunker chunker;
    std::vector<std::string> pieces;
    const auto take = [&] {
      while (std::optional<std::string> piece = chunker.next()) {
        pieces.push_back(std::move(*piece));
      }
    };
    chunker.append(std::string_view(text).substr(0, first));
    take();
    const std::string rest = chunker.take_rest();
    EXPECT_EQ(chunker.take_rest(), "");
    chunker.append(rest);
    chunker.append(std::string_view(text).substr(first));
    chunker.finish();
    take();
    EXPECT_TRUE(pieces == expected) << first;
  }
}

}  // namespace
}  // namespace brt
