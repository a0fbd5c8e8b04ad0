// SPDX-License-Identifier: Apache-2.0
// Learning-rate schedules against values by hand.
#include "optim/schedule.h"

#include <cmath>

#include <gtest/gtest.h>

namespace brt {
namespace {

OptimizerConfig config_of(ScheduleType schedule, int64_t warmup, double rate = 1.0) {
  OptimizerConfig config;
  config.schedule = schedule;
  config.warmup = warmup;
  config.rate = rate;
  return config;
}

TEST(Schedule, FirstUpdateOfAWarmUpHasRateZero) {
  EXPECT_EQ(learning_rate(config_of(ScheduleType::kRsqrt, 1000), 0, 5000), 0.0);
  EXPECT_EQ(learning_rate(config_of(ScheduleType::kCosine, 10), 0, 100), 0.0);
}

TEST(Schedule, RsqrtRisesLinearlyThenFallsAsTheRoot) {
  const OptimizerConfig config = config_of(ScheduleType::kRsqrt, 1000);
  EXPECT_DOUBLE_EQ(learning_rate(config, 500, 1), 0.5 / std::sqrt(1000.0));
  EXPECT_DOUBLE_EQ(learning_rate(config, 1000, 1), 1.0 / std::sqrt(1000.0));
  EXPECT_DOUBLE_EQ(learning_rate(config, 10000, 1), 0.01);
}

TEST(Schedule, RsqrtWithoutWarmUpIsFiniteAtTheFirstUpdate) {
  const OptimizerConfig config = config_of(ScheduleType::kRsqrt, 0, 2.0);
  EXPECT_DOUBLE_EQ(learning_rate(config, 0, 10), 2.0);
  EXPECT_DOUBLE_EQ(learning_rate(config, 4, 10), 1.0);
}

TEST(Schedule, ReferenceCosineFallsTo0001ThenHalves) {
  const OptimizerConfig config = config_of(ScheduleType::kReferenceCosine, 1000);
  EXPECT_DOUBLE_EQ(learning_rate(config, 2000, 4000), 0.001 + 0.0045);
  EXPECT_NEAR(learning_rate(config, 4000, 4000), 0.001, 1e-12);
  EXPECT_DOUBLE_EQ(learning_rate(config, 8000, 4000), 0.002 * 0.25);
  const double peak = 0.001 + 0.0045 * (1.0 + std::cos(std::acos(-1.0) / 4.0));
  EXPECT_DOUBLE_EQ(learning_rate(config, 250, 4000), 0.25 * peak);
}

TEST(Schedule, CosineEndsAtTheFinalFraction) {
  OptimizerConfig config = config_of(ScheduleType::kCosine, 10, 0.5);
  config.final_fraction = 0.1;
  EXPECT_DOUBLE_EQ(learning_rate(config, 5, 111), 0.25);
  EXPECT_DOUBLE_EQ(learning_rate(config, 10, 111), 0.5);
  EXPECT_NEAR(learning_rate(config, 60, 111), 0.5 * 0.55, 1e-12);
  EXPECT_NEAR(learning_rate(config, 110, 111), 0.05, 1e-12);
}

TEST(Schedule, CosineOfARunShorterThanItsWarmUpOnlyRises) {
  const OptimizerConfig config = config_of(ScheduleType::kCosine, 100);
  EXPECT_DOUBLE_EQ(learning_rate(config, 50, 60), 0.5);
}

TEST(Schedule, ConstantOnlyWarmsUp) {
  const OptimizerConfig config = config_of(ScheduleType::kConstant, 4, 0.01);
  EXPECT_DOUBLE_EQ(learning_rate(config, 1, 100), 0.0025);
  EXPECT_DOUBLE_EQ(learning_rate(config, 77, 100), 0.01);
}

}  // namespace
}  // namespace brt
