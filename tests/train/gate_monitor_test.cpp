// SPDX-License-Identifier: Apache-2.0
// Figures of gates and states.
#include "train/gate_monitor.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

namespace brt {
namespace {

TEST(GateMonitor, PercentilesAreOfTheNearestRank) {
  GateLog log;
  log.entries.push_back({"gate", at::arange(1, 201).to(at::kFloat).flip({0}).view({2, 100})});
  const GateSummary summary = summarize_gates(log).at("gate");
  EXPECT_DOUBLE_EQ(summary.mean, 100.5);
  EXPECT_EQ(summary.p1, 2.0);
  EXPECT_EQ(summary.p99, 198.0);
}

TEST(GateMonitor, EntriesOfOneNameAreTakenTogether) {
  GateLog log;
  log.entries.push_back({"a", at::full({4}, 0.25)});
  log.entries.push_back({"a", at::full({4}, 0.75)});
  log.entries.push_back({"b", at::full({1}, 0.5)});
  EXPECT_DOUBLE_EQ(summarize_gates(log).at("a").mean, 0.5);
  EXPECT_EQ(summarize_gates(log).at("a").p1, 0.25);
  EXPECT_EQ(summarize_gates(log).at("a").p99, 0.75);
  EXPECT_EQ(summarize_gates(log).size(), 2U);
}

TEST(GateMonitor, ValuesThatAreNotFiniteGiveNan) {
  GateLog log;
  log.entries.push_back({"a", at::full({4}, std::numeric_limits<float>::quiet_NaN())});
  EXPECT_TRUE(std::isnan(summarize_gates(log).at("a").p99));
}

TEST(GateMonitor, StateRmsIsOfRecurrentLayersOnly) {
  Carry carry;
  carry.layers.resize(3);
  carry.layers[1].state_BSD = at::full({2, 3, 4}, -0.5);
  const std::map<int64_t, double> rms = state_rms(carry);
  ASSERT_EQ(rms.size(), 1U);
  EXPECT_DOUBLE_EQ(rms.at(1), 0.5);
}

}  // namespace
}  // namespace brt
