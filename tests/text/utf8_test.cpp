// SPDX-License-Identifier: Apache-2.0
#include "text/utf8.h"

#include <gtest/gtest.h>

#include "sample_text.h"

namespace brt {
namespace {

using namespace std::string_literals;

TEST(Utf8, ValidPrefixStopsAtTheFirstBadByte) {
  EXPECT_EQ(valid_utf8_prefix(""), 0U);
  EXPECT_EQ(valid_utf8_prefix("abc"), 3U);
  EXPECT_EQ(valid_utf8_prefix("a\0b"s), 3U);
  EXPECT_EQ(valid_utf8_prefix("a\xC3\xA9\xE2\x96\x81\xF0\x9F\x98\x80"), 10U);
  EXPECT_EQ(valid_utf8_prefix("ab\xFFzz"), 2U);
  EXPECT_EQ(valid_utf8_prefix("ab\x80"), 2U);
  EXPECT_EQ(valid_utf8_prefix("ab\xE2\x96"), 2U);
}

TEST(Utf8, OverlongFormsSurrogatesAndTooLargeCodesAreInvalid) {
  for (const std::string bad :
       {"\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xF0\x8F\xBF\xBF", "\xED\xA0\x80", "\xED\xBF\xBF",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80"}) {
    EXPECT_EQ(valid_utf8_prefix(bad), 0U) << testing::PrintToString(bad);
  }
  for (const std::string good : {"\xC2\x80", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
                                 "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_EQ(valid_utf8_prefix(good), good.size()) << testing::PrintToString(good);
  }
}

TEST(Utf8, CharacterSizeIsThatOfTheFirstCharacter) {
  EXPECT_EQ(utf8_character_size(""), 0U);
  EXPECT_EQ(utf8_character_size("ab"), 1U);
  EXPECT_EQ(utf8_character_size("\xC3\xA9z"), 2U);
  EXPECT_EQ(utf8_character_size("\xE2\x96\x81z"), 3U);
  EXPECT_EQ(utf8_character_size("\xF0\x9F\x98\x80z"), 4U);
  EXPECT_EQ(utf8_character_size("\xF0\x9F\x98"), 0U);
  EXPECT_EQ(utf8_character_size("\xA9z"), 0U);
}

TEST(Utf8Stream, ValidTextNeverComesOutWithHalfACharacterHoweverItIsSplit) {
  SeededRandom random(3);
  for (int round = 0; round < 200; ++round) {
    const std::string text = test::random_characters(40, random);
    Utf8Stream stream;
    std::string joined;
    for (size_t begin = 0; begin < text.size();) {
      const size_t size = std::min<size_t>(random.below(6), text.size() - begin);
      const std::string out = stream.push(std::string_view(text).substr(begin, size));
      ASSERT_EQ(valid_utf8_prefix(out), out.size());
      joined += out;
      begin += size;
      // Nothing that is complete is held back.
      ASSERT_EQ(joined.size(), valid_utf8_prefix(std::string_view(text).substr(0, begin)));
    }
    EXPECT_EQ(stream.finish(), "");
    ASSERT_EQ(joined, text);
  }
}

TEST(Utf8Stream, NoByteOfAnyInputIsLostOrChanged) {
  SeededRandom random(4);
  for (int round = 0; round < 300; ++round) {
    std::string text = test::random_bytes(30, random);
    for (char& byte : text) {  // many lead bytes and continuations
      byte = static_cast<char>(random.below(3) == 0 ? byte : (byte | '\x80'));
    }
    Utf8Stream stream;
    std::string joined;
    for (size_t begin = 0; begin < text.size();) {
      const size_t size = std::min<size_t>(1 + random.below(4), text.size() - begin);
      joined += stream.push(std::string_view(text).substr(begin, size));
      begin += size;
      ASSERT_LE(begin - joined.size(), 3U);
    }
    joined += stream.finish();
    ASSERT_EQ(joined, text);
  }
}

TEST(Utf8Stream, BytesThatCannotBecomeACharacterPassAtOnce) {
  Utf8Stream stream;
  EXPECT_EQ(stream.push("\xFF"), "\xFF");
  EXPECT_EQ(stream.push("\x80"), "\x80");
  EXPECT_EQ(stream.push("\xC0"), "\xC0");
  EXPECT_EQ(stream.push("\xE0"), "");
  EXPECT_EQ(stream.push("\x80"), "\xE0\x80");  // overlong
  EXPECT_EQ(stream.push("\xE2\x96"), "");
  EXPECT_EQ(stream.push("a"),
            "\xE2\x96"
            "a");
  EXPECT_EQ(stream.push("\xF0\x9F"), "");
  EXPECT_EQ(stream.finish(), "\xF0\x9F");
  EXPECT_EQ(stream.finish(), "");
}

}  // namespace
}  // namespace brt
