// SPDX-License-Identifier: Apache-2.0
// The sum of words, in lines side by side that the compiler turns into registers. On Zen 4,
// software prefetch made it slower.
#pragma once

#include "kernels/word_sum.h"

namespace brt::kernels {
namespace {

inline uint64_t sum_of_words(const uint64_t* words, int64_t lines) {
  constexpr int64_t kGroup = 4;  // lines whose sums do not wait for one another
  using Line [[gnu::vector_size(kWordsOfLine * sizeof(uint64_t))]] = uint64_t;
  Line sums[kGroup] = {};
  const auto add = [words](int64_t line, Line& sum) {
    Line value;
    __builtin_memcpy(&value, words + line * kWordsOfLine, sizeof(value));
    sum += value;
  };
  int64_t line = 0;
  for (; line + kGroup <= lines; line += kGroup) {
    for (int64_t i = 0; i < kGroup; ++i) {
      add(line + i, sums[i]);
    }
  }
  for (; line < lines; ++line) {
    add(line, sums[0]);
  }
  for (int64_t i = 1; i < kGroup; ++i) {
    sums[0] += sums[i];
  }
  uint64_t total = 0;
  for (int64_t i = 0; i < kWordsOfLine; ++i) {
    total += sums[0][i];
  }
  return total;
}

}  // namespace
}  // namespace brt::kernels
