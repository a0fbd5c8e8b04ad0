// SPDX-License-Identifier: Apache-2.0
// The sums of a profile on events that a person can check, and a recording of real operations.
#include "profile/profile.h"

#include <algorithm>
#include <set>
#include <thread>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>

#include "base/error.h"
#include "train/train_loop.h"
#include "train/training_fixtures.h"

namespace brt {
namespace {

constexpr int64_t kMs = 1'000'000;

/// step [0, 10) holds linear [1, 7), which holds mm [2, 5) and add [5, 6); mm [8, 9) lies beside
/// it; another thread runs mm [0, 4).
std::vector<ProfileEvent> small_profile() {
  return {{.name = "mm", .step = 3, .thread = 1, .begin_ns = 2 * kMs, .end_ns = 5 * kMs},
          {.name = "add", .step = 3, .thread = 1, .begin_ns = 5 * kMs, .end_ns = 6 * kMs},
          {.name = "linear", .step = 3, .thread = 1, .begin_ns = 1 * kMs, .end_ns = 7 * kMs},
          {.name = "mm", .step = 3, .thread = 2, .begin_ns = 0, .end_ns = 4 * kMs},
          {.name = "mm", .step = 3, .thread = 1, .begin_ns = 8 * kMs, .end_ns = 9 * kMs},
          {.name = "step", .step = 3, .thread = 1, .begin_ns = 0, .end_ns = 10 * kMs}};
}

ProfileEvent call(const char* name, int64_t begin_ms, int64_t end_ms) {
  return {.name = name, .thread = 1, .begin_ns = begin_ms * kMs, .end_ns = end_ms * kMs};
}

const ProfileRow& row_of(const std::vector<ProfileRow>& rows, const std::string& name) {
  const std::vector<ProfileRow>::const_iterator row =
      std::ranges::find(rows, name, &ProfileRow::name);
  if (row == rows.end()) {
    throw Error("there is no row " + name);
  }
  return *row;
}

/// Events of two steps that multiply on this thread, and on a second one.
std::vector<ProfileEvent> recorded_products() {
  StepProfiler profiler;
  const at::Tensor square = at::ones({8, 8});
  at::matmul(square, square);  // before: not seen
  for (const int64_t step : {4, 5}) {
    profiler.begin_step(step);
    ProfilePhase forward("forward");
    at::matmul(square, square);
    forward.end();
    std::thread([&square] { at::matmul(square, square); }).join();
    profiler.end_step();
    at::matmul(square, square);  // between steps: not seen
  }
  EXPECT_EQ(profiler.steps(), 2);
  return profiler.events();
}

TEST(Profile, TimeInsideAnOperationIsOnlyItsOwnWithoutTheInnerOnes) {
  const std::vector<ProfileRow> rows = summarize_profile(small_profile());
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows.front().name, "mm") << "most time of its own comes first";
  EXPECT_EQ(row_of(rows, "mm").calls, 3);
  EXPECT_DOUBLE_EQ(row_of(rows, "mm").total_ms, 8.0);
  EXPECT_DOUBLE_EQ(row_of(rows, "mm").self_ms, 8.0);
  EXPECT_DOUBLE_EQ(row_of(rows, "linear").total_ms, 6.0);
  EXPECT_DOUBLE_EQ(row_of(rows, "linear").self_ms, 2.0);
  EXPECT_DOUBLE_EQ(row_of(rows, "step").total_ms, 10.0);
  EXPECT_DOUBLE_EQ(row_of(rows, "step").self_ms, 3.0);
  EXPECT_DOUBLE_EQ(row_of(rows, "mm").share, 8.0 / 14.0) << "10 ms of one thread, 4 of the other";
}

TEST(Profile, ANameInsideItselfCountsOnce) {
  const std::vector<ProfileRow> rows =
      summarize_profile({{.name = "to", .thread = 1, .begin_ns = 0, .end_ns = 4 * kMs},
                         {.name = "to", .thread = 1, .begin_ns = 1 * kMs, .end_ns = 3 * kMs}});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].calls, 2);
  EXPECT_DOUBLE_EQ(rows[0].total_ms, 4.0);
  EXPECT_DOUBLE_EQ(rows[0].self_ms, 4.0);
}

TEST(Profile, OfNothingIsEmpty) {
  EXPECT_TRUE(summarize_profile({}).empty());
  EXPECT_TRUE(StepProfiler().events().empty());
}

TEST(Profile, TableSumsToAllCallsAndAllTime) {
  std::vector<ProfileEvent> events = small_profile();
  for (int64_t i = 0; i < 40; ++i) {  // more names than the table has lines for
    events.push_back({.name = "op" + std::to_string(i),
                      .thread = 3,
                      .begin_ns = i * kMs,
                      .end_ns = i * kMs + kMs / 10});
  }
  const std::string table = profile_to_table(summarize_profile(events));
  EXPECT_NE(table.find("14 others"), std::string::npos) << table;
  EXPECT_NE(table.find("18.00  100.0 %"), std::string::npos) << table;
  EXPECT_NE(table.find("      46 "), std::string::npos) << table;
}

TEST(Profile, WhatLiesInNoPhaseIsOutsideCompute) {
  const std::vector<ProfileRow> rows =
      summarize_profile({call("step", 0, 100), call("load", 0, 3), call("forward", 5, 35),
                         call("mm", 10, 30), call("backward", 36, 80), call("mm", 40, 50),
                         call("gradient norm", 80, 85), call("update", 85, 99)});
  EXPECT_NEAR(share_outside_compute(rows), 0.07, 1e-12);
  EXPECT_NE(profile_to_table(rows).find("outside forward, backward and update: 7.00 %"),
            std::string::npos)
      << profile_to_table(rows);
  EXPECT_EQ(share_outside_compute({}), 0.0);
  EXPECT_EQ(profile_to_table(summarize_profile({call("mm", 0, 1)})).find("outside"),
            std::string::npos);
}

TEST(Profile, TraceIsJsonWithEveryCallInMicroseconds) {
  const nlohmann::json trace = nlohmann::json::parse(profile_to_trace(small_profile()));
  const nlohmann::json& events = trace["traceEvents"];
  ASSERT_EQ(events.size(), 7U) << "six calls and the name of the process";
  EXPECT_EQ(events[0]["name"], "mm");
  EXPECT_EQ(events[0]["ph"], "X");
  EXPECT_DOUBLE_EQ(events[0]["ts"], 2000.0);
  EXPECT_DOUBLE_EQ(events[0]["dur"], 3000.0);
  EXPECT_EQ(events[3]["tid"], 2);
  EXPECT_EQ(events[0]["args"]["step"], 3);
}

TEST(Profile, RecordsTheOperationsOfEveryThreadDuringSteps) {
  const std::vector<ProfileEvent> events = recorded_products();
  std::set<int64_t> threads;
  for (const ProfileEvent& event : events) {
    EXPECT_LE(event.begin_ns, event.end_ns) << event.name;
    EXPECT_TRUE(event.step == 4 || event.step == 5) << event.name;
    threads.insert(event.thread);
  }
  EXPECT_GE(threads.size(), 2U);
  const std::vector<ProfileRow> rows = summarize_profile(events);
  EXPECT_EQ(row_of(rows, "aten::matmul").calls, 4);
  EXPECT_EQ(row_of(rows, "forward").calls, 2);
  EXPECT_EQ(row_of(rows, "step").calls, 2);
  EXPECT_LE(row_of(rows, "aten::mm").total_ms, row_of(rows, "aten::matmul").total_ms);
  double share = 0.0;
  for (const ProfileRow& row : rows) {
    EXPECT_GE(row.self_ms, 0.0) << row.name;
    share += row.share;
  }
  EXPECT_NEAR(share, 1.0, 1e-9);
}

TEST(Profile, RefusesASecondRecordingAtTheSameTime) {
  StepProfiler first;
  StepProfiler second;
  first.begin_step(1);
  EXPECT_THROW(second.begin_step(1), Error);
  first.end_step();
  EXPECT_NO_THROW(second.begin_step(2));
  second.end_step();
}

TEST(Profile, StepsOfARunShowForwardBackwardAndUpdate) {
  const TrainingFolder folder;
  RunConfig config = folder.recipe();
  config.train.steps = 3;
  StepProfiler profiler;
  TrainObserver observer;
  observer.on_step_begin = [&profiler](int64_t step) { profiler.begin_step(step); };
  observer.on_step = [&profiler](const TrainProgress&) { profiler.end_step(); };
  run_training({.config = config, .run_folder = folder.path("run")}, observer);
  const std::vector<ProfileRow> rows = summarize_profile(profiler.events());
  for (const std::string phase :
       {"step", "load", "forward", "backward", "gradient norm", "update"}) {
    EXPECT_EQ(row_of(rows, phase).calls, 3) << phase;
  }
  for (const std::string operation : {"brt::linear", "brt::cross_entropy"}) {
    EXPECT_GT(row_of(rows, operation).calls, 0) << operation;
  }
  EXPECT_GE(row_of(rows, "step").total_ms,
            row_of(rows, "forward").total_ms + row_of(rows, "backward").total_ms);
  EXPECT_GT(share_outside_compute(rows), 0.0);
  EXPECT_LT(share_outside_compute(rows), 0.5) << profile_to_table(rows);
}

}  // namespace
}  // namespace brt
