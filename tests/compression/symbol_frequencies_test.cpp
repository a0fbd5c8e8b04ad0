// SPDX-License-Identifier: Apache-2.0
// Frequencies are the softmax in whole numbers, and none is zero.
#include "compression/symbol_frequencies.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/exp_double.h"
#include "base/seeded_random.h"
#include "checkpoint/scratch_folder.h"
#include "support/text_assertions.h"

namespace brt {
namespace {

std::vector<float> random_logits(size_t count, double spread) {
  SeededRandom random(5);
  std::vector<float> logits_V;
  for (size_t i = 0; i < count; ++i) {
    logits_V.push_back(static_cast<float>(spread * (random.uniform() - 0.5)));
  }
  return logits_V;
}

TEST(SymbolFrequencies, AreTheSoftmax) {
  for (const size_t count : {1U, 2U, 257U, 5000U}) {
    const std::vector<float> logits_V = random_logits(count, 20.0);
    SymbolFrequencies frequencies(static_cast<int64_t>(count));
    frequencies.predict(logits_V);
    double sum = 0.0;
    for (const float logit : logits_V) {
      sum += std::exp(static_cast<double>(logit));
    }
    double largest_error = 0.0;
    for (size_t token = 0; token < count; ++token) {
      const FrequencyRange range = frequencies.range_of(static_cast<int64_t>(token));
      const double got = static_cast<double>(range.size) / static_cast<double>(range.total);
      largest_error = std::max(
          largest_error, std::abs(got - std::exp(static_cast<double>(logits_V[token])) / sum));
    }
    EXPECT_LT(largest_error, 1e-6) << count;
  }
}

TEST(SymbolFrequencies, NoneIsZeroHoweverUnlikely) {
  SymbolFrequencies frequencies(3);
  frequencies.predict(std::vector<float>{-1e30F, 0.0F, 1e30F});
  for (int64_t symbol = 0; symbol < frequencies.num_symbols(); ++symbol) {
    EXPECT_GE(frequencies.range_of(symbol).size, 1U);
  }
  EXPECT_EQ(frequencies.range_of(0).size, 1U);
}

TEST(SymbolFrequencies, RangesFollowEachOtherAndAreFound) {
  const std::vector<float> logits_V = random_logits(40, 30.0);
  SymbolFrequencies frequencies(40);
  frequencies.predict(logits_V);
  uint64_t begin = 0;
  for (int64_t symbol = 0; symbol < frequencies.num_symbols(); ++symbol) {
    const FrequencyRange range = frequencies.range_of(symbol);
    EXPECT_EQ(range.begin, begin);
    EXPECT_EQ(frequencies.symbol_at(begin), symbol);
    begin += range.size;
    EXPECT_EQ(frequencies.symbol_at(begin - 1), symbol);
  }
  EXPECT_EQ(begin, frequencies.total());
}

TEST(SymbolFrequencies, WithoutLogitsAllSymbolsAreAlike) {
  SymbolFrequencies frequencies(9);
  frequencies.predict(random_logits(9, 5.0));
  frequencies.predict({});
  EXPECT_EQ(frequencies.total(), 10U);
  EXPECT_EQ(frequencies.range_of(9).begin, 9U);
}

TEST(SymbolFrequencies, TheLargestVocabularyStaysWithinTheCodersTotal) {
  constexpr int64_t kTokens = int64_t{1} << 20;
  SymbolFrequencies frequencies(kTokens);
  frequencies.predict(std::vector<float>(kTokens, 1.5F));
  EXPECT_LE(frequencies.total(), kMaxFrequencyTotal);
  EXPECT_THROW(SymbolFrequencies(kTokens + 1), Error);
}

TEST(SymbolFrequencies, KnownLogitsGiveKnownNumbers) {
  // Written down once: files that were compressed before must stay readable.
  SymbolFrequencies frequencies(4);
  frequencies.predict(std::vector<float>{0.0F, -1.0F, -0.1F, -25.0F});
  EXPECT_EQ(frequencies.range_of(0).size, 4294967297U);
  EXPECT_EQ(frequencies.range_of(1).size, 1580030170U);
  EXPECT_EQ(frequencies.range_of(2).size, 3886247114U);
  EXPECT_EQ(frequencies.range_of(3).size, 1U);
}

TEST(SymbolFrequencies, LogitsThatAreNotFiniteOrTooFewAreErrors) {
  SymbolFrequencies frequencies(2);
  const std::vector<float> damaged_V = {0.0F, std::numeric_limits<float>::quiet_NaN()};
  EXPECT_TRUE(
      contains(thrown_message<Error>([&] { frequencies.predict(damaged_V); }), "not finite"));
  EXPECT_TRUE(contains(
      thrown_message<Error>([&] { frequencies.predict(std::vector<float>{1.0F}); }), "2 logits"));
}

TEST(ExpDouble, AgreesWithTheMathLibrary) {
  SeededRandom random(3);
  for (int i = 0; i < 20000; ++i) {
    const double x = -700.0 * std::pow(random.uniform(), 4.0);
    const double expected = std::exp(x);
    EXPECT_NEAR(exp_of_nonpositive(x), expected, 2e-14 * expected) << x;
  }
  EXPECT_EQ(exp_of_nonpositive(0.0), 1.0);
  EXPECT_EQ(exp_of_nonpositive(-1e300), exp_of_nonpositive(-700.0));
}

}  // namespace
}  // namespace brt
