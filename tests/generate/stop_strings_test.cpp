// SPDX-License-Identifier: Apache-2.0
// Stop strings in text that arrives in parts of any size.
#include "generate/stop_strings.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace brt {
namespace {

/// What comes out when `text` is pushed in parts of `size` bytes.
std::string pass_through(StopStrings& stops, std::string_view text, size_t size) {
  std::string out;
  for (size_t from = 0; from < text.size() && !stops.found(); from += size) {
    out += stops.push(text.substr(from, size));
  }
  return stops.found() ? out : out + stops.finish();
}

TEST(StopStrings, AreFoundOverBordersOfParts) {
  for (size_t size = 1; size <= 12; ++size) {
    StopStrings stops({"STOP", "END"});
    EXPECT_EQ(pass_through(stops, "a SSTOP b END", size), "a S") << "parts of " << size;
    EXPECT_EQ(stops.found(), "STOP");
  }
}

TEST(StopStrings, TextThatOnlyBeganLikeOneComesOut) {
  StopStrings stops({"aab"});
  EXPECT_EQ(stops.push("xaa"), "x");
  EXPECT_EQ(stops.push("a"), "a");  // "aa" may still become "aab"
  EXPECT_EQ(stops.push("c"), "aac");
  EXPECT_EQ(stops.push("a"), "");
  EXPECT_EQ(stops.finish(), "a");
  EXPECT_FALSE(stops.found());
}

TEST(StopStrings, TheFirstToBeginWinsAndOfThoseTheLongest) {
  StopStrings stops({"cd", "bc", "bcd"});
  EXPECT_EQ(stops.push("abcd"), "a");
  EXPECT_EQ(stops.found(), "bcd");
  EXPECT_EQ(stops.push("more"), "");
}

TEST(StopStrings, WithoutAnyAllTextPassesAtOnce) {
  StopStrings stops({});
  EXPECT_EQ(stops.push("abc"), "abc");
  EXPECT_EQ(stops.finish(), "");
}

TEST(StopStrings, TextThatWasGivenOutBeforeCountsAndDoesNotComeOutAgain) {
  StopStrings first({"STOP"});
  EXPECT_EQ(first.push("a ST"), "a ");
  EXPECT_EQ(first.finish(), "ST");
  StopStrings second({"STOP"}, first.held());
  EXPECT_EQ(second.push("OP b"), "");
  EXPECT_EQ(second.found(), "STOP");
  StopStrings other({"STOP"}, first.held());
  EXPECT_EQ(other.push("R"), "R");
  EXPECT_FALSE(other.found());
  StopStrings none({}, first.held());
  EXPECT_EQ(none.push("ab"), "ab");
}

TEST(StopStrings, AnEmptyOneIsRefused) { EXPECT_THROW(StopStrings({"a", ""}), ConfigError); }

}  // namespace
}  // namespace brt
