// SPDX-License-Identifier: Apache-2.0
// The recent tokens of a document.
#include "engine/session.h"

#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace brt {
namespace {

std::vector<int32_t> numbers(int32_t begin, int32_t end) {
  std::vector<int32_t> all(static_cast<size_t>(end - begin));
  std::iota(all.begin(), all.end(), begin);
  return all;
}

TEST(Session, TheUsualWindowIsRememberedWhateverTheSettings) {
  TextProgress text;
  text.sampler.repetition_window = 3;
  text.remember(numbers(0, 100));
  EXPECT_EQ(text.recent_tokens, numbers(36, 100));
}

TEST(Session, AWiderWindowIsRememberedToo) {
  TextProgress text;
  text.sampler.repetition_window = 90;
  text.remember(numbers(0, 100));
  EXPECT_EQ(text.recent_tokens, numbers(10, 100));
}

TEST(Session, PiecesGiveWhatTheWholeGives) {
  TextProgress text;
  for (const auto& [begin, end] : {std::pair{0, 1}, {1, 50}, {50, 50}, {50, 64}, {64, 70}}) {
    text.remember(numbers(begin, end));
  }
  EXPECT_EQ(text.recent_tokens, numbers(6, 70));
}

TEST(Session, ANarrowerWindowForgetsWithTheNextToken) {
  TextProgress text;
  text.sampler.repetition_window = 90;
  text.remember(numbers(0, 100));
  text.sampler.repetition_window = 64;
  text.remember(numbers(100, 101));
  EXPECT_EQ(text.recent_tokens, numbers(37, 101));
}

TEST(Session, ACopyForks) {
  Session session;
  session.text.remember(numbers(0, 5));
  Session fork = session;
  fork.text.remember(numbers(5, 6));
  EXPECT_EQ(session.text.recent_tokens, numbers(0, 5));
  EXPECT_EQ(fork.text.recent_tokens, numbers(0, 6));
}

}  // namespace
}  // namespace brt
