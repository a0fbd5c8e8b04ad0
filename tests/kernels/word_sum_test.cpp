// SPDX-License-Identifier: Apache-2.0
#include "kernels/word_sum.h"

#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/kernel_values.h"

namespace brt::kernels {
namespace {

class WordSum : public OnEachTarget {};

TEST_P(WordSum, ReadsEveryWordOnce) {
  std::mt19937_64 random(1);
  for (const int64_t lines : {0, 1, 7, 8, 9, 16, 1001}) {
    std::vector<uint64_t> words(static_cast<size_t>(lines * kWordsOfLine));
    for (uint64_t& word : words) {
      word = random();
    }
    const uint64_t sum = std::accumulate(words.begin(), words.end(), uint64_t{0});
    EXPECT_EQ(word_sum(words.data(), lines), sum) << "lines " << lines;
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, WordSum, testing::ValuesIn(supported_targets()), target_name);

}  // namespace
}  // namespace brt::kernels
