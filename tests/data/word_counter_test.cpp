// SPDX-License-Identifier: Apache-2.0
// Words are counted as Python's str.split() counts them.
#include "data/word_counter.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace brt {
namespace {

int64_t count(std::string_view text, size_t part = 1 << 20) {
  WordCounter counter;
  for (size_t from = 0; from < text.size(); from += part) {
    counter.append(text.substr(from, part));
  }
  return counter.words();
}

TEST(WordCounter, EmptyTextHasNoWords) {
  EXPECT_EQ(count(""), 0);
  EXPECT_EQ(count(" \n\t  "), 0);
}

TEST(WordCounter, RunsOfWhitespaceSeparateOnce) {
  EXPECT_EQ(count("  one  two\n\nthree "), 3);
  EXPECT_EQ(count("one"), 1);
}

TEST(WordCounter, EveryPythonWhitespaceSeparates) {
  const std::vector<std::string> spaces = {
      "\t",           "\n",           "\v",           "\f",           "\r",
      "\x1c",         "\x1d",         "\x1e",         "\x1f",         " ",
      "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81",
      "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86",
      "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8",
      "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"};
  ASSERT_EQ(spaces.size(), 29u);
  for (const std::string& space : spaces) {
    EXPECT_EQ(count("a" + space + "b"), 2) << testing::PrintToString(space);
    EXPECT_EQ(count(space + space), 0) << testing::PrintToString(space);
  }
}

TEST(WordCounter, NeighboursOfWhitespaceBelongToWords) {
  // U+200B zero width space, U+00A1, U+2014 dash, U+3001, U+180E, U+FEFF, NUL, U+2060.
  for (const std::string text : {"a\xe2\x80\x8b"
                                 "b",
                                 "a\xc2\xa1"
                                 "b",
                                 "a\xe2\x80\x94"
                                 "b",
                                 "a\xe3\x80\x81"
                                 "b",
                                 "a\xe1\xa0\x8e"
                                 "b",
                                 "a\xef\xbb\xbf"
                                 "b",
                                 "a\xe2\x81\xa0"
                                 "b"}) {
    EXPECT_EQ(count(text), 1) << testing::PrintToString(text);
  }
  EXPECT_EQ(count(std::string_view("a\0b", 3)), 1);
}

TEST(WordCounter, BytesThatAreNotUtf8BelongToWords) {
  EXPECT_EQ(count("\xff \xc2"), 2);
  EXPECT_EQ(count("\xe2\x80"), 1);
  EXPECT_EQ(count("\xe2\x80 x"), 2);
  EXPECT_EQ(count("\x85"), 1);
  EXPECT_EQ(count("\xe2\xc2\xa0\xe2\xe2\x80\x80"), 2);
}

TEST(WordCounter, BordersOfPartsDoNotMatter) {
  const std::string text = "caf\xc3\xa9\xc2\xa0noir \xe2\x80\x94\xe2\x80\x89x\xe3\x80\x80y\n";
  for (size_t part = 1; part <= text.size(); ++part) {
    EXPECT_EQ(count(text, part), 5) << part;
  }
}

}  // namespace
}  // namespace brt
