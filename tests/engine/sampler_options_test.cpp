// SPDX-License-Identifier: Apache-2.0
// The ranges of sampling's settings.
#include "engine/sampler_options.h"

#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "base/error.h"
#include "checkpoint/scratch_folder.h"
#include "support/text_assertions.h"

namespace brt {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::string refusal(const SamplerOptions& options) {
  return thrown_message<ConfigError>([&] { check_sampler_options(options); });
}

TEST(SamplerOptions, DefaultsAndLimitsAreTaken) {
  EXPECT_NO_THROW(check_sampler_options({}));
  EXPECT_NO_THROW(check_sampler_options({.temperature = 0.0,
                                         .top_k = 1,
                                         .top_p = 1e-9,
                                         .min_p = 1.0,
                                         .repetition_penalty = 0.1,
                                         .repetition_window = 0,
                                         .logit_bias = {{0, -kInfinity}, {5, 3.5}}}));
}

TEST(SamplerOptions, EachOneOutOfRangeIsNamed) {
  for (const double value : {-0.1, kNan, kInfinity}) {
    EXPECT_TRUE(contains(refusal({.temperature = value}), "temperature must be at least 0"));
  }
  EXPECT_TRUE(contains(refusal({.top_k = -1}), "top_k must be at least 0, got -1"));
  for (const double value : {0.0, 1.1, kNan}) {
    EXPECT_TRUE(contains(refusal({.top_p = value}), "top_p must be above 0 and at most 1"));
  }
  for (const double value : {-0.1, 1.1, kNan}) {
    EXPECT_TRUE(contains(refusal({.min_p = value}), "min_p must be from 0 to 1"));
  }
  for (const double value : {0.0, -1.0, kNan, kInfinity}) {
    EXPECT_TRUE(contains(refusal({.repetition_penalty = value}), "repetition_penalty"));
  }
  EXPECT_TRUE(contains(refusal({.repetition_window = -1}), "repetition_window"));
  EXPECT_TRUE(contains(refusal({.logit_bias = {{-1, 0.0}}}), "token of a logit_bias"));
  for (const double value : {kInfinity, kNan}) {
    EXPECT_TRUE(contains(refusal({.logit_bias = {{1, value}}}), "a number or -inf"));
  }
}

}  // namespace
}  // namespace brt
