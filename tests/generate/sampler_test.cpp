// SPDX-License-Identifier: Apache-2.0
// Distributions of draws, and the edges of each sampling option.
#include "generate/sampler.h"

#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "checkpoint/scratch_folder.h"
#include "support/text_assertions.h"

namespace brt {
namespace {

constexpr int64_t kDraws = 20000;

std::vector<float> logits_of(const std::vector<double>& probabilities) {
  std::vector<float> logits;
  for (const double probability : probabilities) {
    logits.push_back(static_cast<float>(std::log(probability)));
  }
  return logits;
}

std::vector<int64_t> count_draws(Sampler sampler, const std::vector<float>& logits_V) {
  std::vector<int64_t> counts(logits_V.size());
  for (int64_t position = 0; position < kDraws; ++position) {
    ++counts[static_cast<size_t>(sampler.sample(logits_V, {}, position))];
  }
  return counts;
}

/// Pearson's statistic over the tokens with a probability; tokens without must not be drawn.
double chi_square(const std::vector<int64_t>& counts, const std::vector<double>& probabilities) {
  double statistic = 0.0;
  for (size_t token = 0; token < counts.size(); ++token) {
    const double expected = probabilities[token] * static_cast<double>(kDraws);
    if (expected == 0.0) {
      EXPECT_EQ(counts[token], 0) << "token " << token;
    } else {
      statistic += std::pow(static_cast<double>(counts[token]) - expected, 2) / expected;
    }
  }
  return statistic;
}

constexpr double kLimit = 23.5;  // of chi-square with 5 degrees of freedom, exceeded by 3 in 10000

const std::vector<double> kProbabilities = {0.05, 0.30, 0.10, 0.35, 0.15, 0.05};

TEST(Sampler, DrawsFromTheSoftmax) {
  Sampler sampler({.seed = 5});
  EXPECT_LT(chi_square(count_draws(sampler, logits_of(kProbabilities)), kProbabilities), kLimit);
}

TEST(Sampler, TemperatureSharpensAndFlattens) {
  for (const double temperature : {0.5, 2.0}) {
    std::vector<double> expected;
    double sum = 0.0;
    for (const double probability : kProbabilities) {
      expected.push_back(std::pow(probability, 1.0 / temperature));
      sum += expected.back();
    }
    for (double& probability : expected) {
      probability /= sum;
    }
    Sampler sampler({.temperature = temperature, .seed = 6});
    EXPECT_LT(chi_square(count_draws(sampler, logits_of(kProbabilities)), expected), kLimit);
  }
}

TEST(Sampler, TopKKeepsTheMostLikelyAndRenormalises) {
  Sampler sampler({.top_k = 3, .seed = 7});
  EXPECT_LT(chi_square(count_draws(sampler, logits_of(kProbabilities)),
                       {0, 0.30 / 0.8, 0, 0.35 / 0.8, 0.15 / 0.8, 0}),
            kLimit);
}

TEST(Sampler, TopPKeepsTheTokenThatReachesTheProbability) {
  // 0.35 + 0.30 < 0.7 <= 0.35 + 0.30 + 0.15
  Sampler sampler({.top_p = 0.7, .seed = 8});
  EXPECT_LT(chi_square(count_draws(sampler, logits_of(kProbabilities)),
                       {0, 0.30 / 0.8, 0, 0.35 / 0.8, 0.15 / 0.8, 0}),
            kLimit);
}

TEST(Sampler, TopPIsTakenBeforeTheTemperature) {
  // At temperature 10 alone, two tokens would not reach 0.6.
  Sampler sampler({.temperature = 10.0, .top_p = 0.6, .seed = 8});
  const std::vector<int64_t> counts = count_draws(sampler, logits_of(kProbabilities));
  EXPECT_EQ(counts[1] + counts[3], kDraws);
}

TEST(Sampler, MinPIsRelativeToTheMostLikely) {
  // 0.35 * 0.35 = 0.1225: 0.15 stays, 0.10 goes.
  Sampler sampler({.min_p = 0.35, .seed = 9});
  EXPECT_LT(chi_square(count_draws(sampler, logits_of(kProbabilities)),
                       {0, 0.30 / 0.8, 0, 0.35 / 0.8, 0.15 / 0.8, 0}),
            kLimit);
}

TEST(Sampler, ExtremeOptionsLeaveTheMostLikelyToken) {
  const std::vector<float> logits_V = logits_of(kProbabilities);
  for (const SamplerOptions& options :
       {SamplerOptions{.temperature = 0.0}, SamplerOptions{.top_k = 1},
        SamplerOptions{.top_p = 1e-9}, SamplerOptions{.min_p = 1.0},
        SamplerOptions{.temperature = 1e-6}}) {
    Sampler sampler(options);
    for (int64_t position = 0; position < 50; ++position) {
      EXPECT_EQ(sampler.sample(logits_V, {}, position), 3);
    }
  }
}

TEST(Sampler, TopKBeyondTheVocabularyKeepsAll) {
  Sampler sampler({.top_k = 1000, .seed = 5});
  EXPECT_LT(chi_square(count_draws(sampler, logits_of(kProbabilities)), kProbabilities), kLimit);
}

TEST(Sampler, EqualLogitsGoToTheLowestToken) {
  const std::vector<float> logits_V = {0.0F, 2.0F, 2.0F, 2.0F};
  EXPECT_EQ(Sampler({.temperature = 0.0}).sample(logits_V, {}, 0), 1);
  EXPECT_EQ(Sampler({.top_k = 1}).sample(logits_V, {}, 0), 1);
}

TEST(Sampler, RepetitionPenaltyLowersRecentTokensOfEitherSign) {
  const std::vector<float> logits_V = {2.0F, 1.9F, -1.0F};
  Sampler greedy({.temperature = 0.0, .repetition_penalty = 1.1});
  const std::vector<int32_t> recent = {0, 0, 0};
  EXPECT_EQ(greedy.sample(logits_V, {}, 0), 0);
  EXPECT_EQ(greedy.sample(logits_V, recent, 0), 1);  // once, however often it occurred
  const std::vector<float> negative_V = {-1.0F, -1.05F};
  EXPECT_EQ(greedy.sample(negative_V, recent, 0), 1);
}

TEST(Sampler, RepetitionPenaltyForgetsTokensBeyondItsWindow) {
  const std::vector<float> logits_V = {2.0F, 1.9F, -1.0F};
  const std::vector<int32_t> recent = {0, 2, 2};
  const auto greedy = [&](int64_t window) {
    return Sampler({.temperature = 0.0, .repetition_penalty = 1.5, .repetition_window = window})
        .sample(logits_V, recent, 0);
  };
  EXPECT_EQ(greedy(3), 1);
  EXPECT_EQ(greedy(2), 0);
  EXPECT_EQ(greedy(0), 0);
}

TEST(Sampler, DrawsDependOnSeedAndPositionOnly) {
  const std::vector<float> logits_V = logits_of(kProbabilities);
  Sampler first({.seed = 1});
  Sampler second({.seed = 1});
  Sampler other({.seed = 2});
  int64_t different = 0;
  for (int64_t position = 99; position >= 0; --position) {  // in any order
    EXPECT_EQ(first.sample(logits_V, {}, position), second.sample(logits_V, {}, position));
    different += first.sample(logits_V, {}, position) != other.sample(logits_V, {}, position);
  }
  EXPECT_GT(different, 40);
}

TEST(Sampler, ABiasIsAddedToTheLogit) {
  std::vector<double> expected = {0.05, 0.30, 0.10 * 4.0, 0.35, 0.15, 0.05};
  double sum = 0.0;
  for (const double probability : expected) {
    sum += probability;
  }
  for (double& probability : expected) {
    probability /= sum;
  }
  const double twice = std::log(2.0);
  Sampler sampler({.seed = 3, .logit_bias = {{2, twice}, {2, twice}}});  // both count
  EXPECT_LT(chi_square(count_draws(sampler, logits_of(kProbabilities)), expected), kLimit);
}

TEST(Sampler, ABiasOfMinusInfinityBansAToken) {
  constexpr double kBan = -std::numeric_limits<double>::infinity();
  const std::vector<float> logits_V = logits_of(kProbabilities);
  EXPECT_EQ(Sampler({.temperature = 0.0, .logit_bias = {{3, kBan}}}).sample(logits_V, {}, 0), 1);
  const std::vector<int64_t> counts =
      count_draws(Sampler({.logit_bias = {{3, kBan}, {1, kBan}}}), logits_V);
  EXPECT_EQ(counts[1] + counts[3], 0);
  Sampler none({.logit_bias = {{0, kBan}, {1, kBan}}});
  const std::vector<float> two_V = {1.0F, 2.0F};
  EXPECT_TRUE(contains(thrown_message<Error>([&] { none.sample(two_V, {}, 0); }), "every token"));
}

TEST(Sampler, ABiasDecidesWhatIsMostLikely) {
  const std::vector<float> logits_V = {0.0F, 2.0F, 1.0F};
  EXPECT_EQ(Sampler({.temperature = 0.0, .logit_bias = {{0, 3.0}}}).sample(logits_V, {}, 0), 0);
  EXPECT_EQ(Sampler({.top_k = 1, .logit_bias = {{2, 1.5}}}).sample(logits_V, {}, 0), 2);
}

TEST(Sampler, ABiasForATokenThatIsNotThereIsAnError) {
  const std::vector<float> logits_V = {0.0F, 2.0F};
  EXPECT_TRUE(contains(thrown_message<ConfigError>(
                           [&] { Sampler({.logit_bias = {{2, 1.0}}}).sample(logits_V, {}, 0); }),
                       "token 2, but tokens are below 2"));
}

TEST(Sampler, LogitsThatAreNotFiniteAreAnError) {
  const std::vector<float> logits_V = {0.0F, std::numeric_limits<float>::quiet_NaN()};
  EXPECT_TRUE(contains(thrown_message<Error>([&] { Sampler({}).sample(logits_V, {}, 0); }),
                       "token 1 is not finite"));
}

TEST(Sampler, OptionsOutOfRangeAreNamed) {
  const auto message = [](const SamplerOptions& options) {
    return thrown_message<ConfigError>([&] { Sampler sampler(options); });
  };
  EXPECT_TRUE(contains(message({.temperature = -1.0}), "temperature must be at least 0"));
  EXPECT_TRUE(contains(message({.top_k = -1}), "top_k"));
  EXPECT_TRUE(contains(message({.top_p = 0.0}), "top_p must be above 0"));
  EXPECT_TRUE(contains(message({.top_p = 1.5}), "top_p"));
  EXPECT_TRUE(contains(message({.min_p = -0.1}), "min_p"));
  EXPECT_TRUE(contains(message({.repetition_penalty = 0.0}), "repetition_penalty"));
  EXPECT_TRUE(contains(message({.repetition_window = -1}), "repetition_window"));
  EXPECT_TRUE(contains(message({.logit_bias = {{-1, 1.0}}}), "token of a logit_bias"));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(contains(message({.logit_bias = {{1, nan}}}), "logit_bias must be a number"));
}

}  // namespace
}  // namespace brt
