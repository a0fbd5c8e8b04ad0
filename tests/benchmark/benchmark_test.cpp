// SPDX-License-Identifier: Apache-2.0
// The benchmark's arithmetic, and that every kind of work runs.
#include "benchmark/benchmark.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "config/presets.h"

namespace brt {
namespace {

RunConfig tiny_run(const std::string& preset) {
  RunConfig config;
  config.model = make_preset(preset, "tiny");
  config.model.vocab_size = 20;
  config.train.lanes = 4;
  config.evaluation.lanes = 3;
  return config;
}

TEST(Benchmark, CountsTokensOfTheStepsOfARepetition) {
  int64_t calls = 0;
  BenchmarkWork work;
  work.steps = 5;
  work.tokens_per_step = 2;
  work.flops_per_token = 7.0;
  work.repeat = [&calls] {
    ++calls;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  };
  const BenchmarkResult result = run_benchmark(work, 3);
  EXPECT_GE(calls, 4) << "some repetitions warm up";
  EXPECT_EQ(result.repetitions, 3);
  std::vector<double> rates = result.tokens_per_second_each;
  ASSERT_EQ(rates.size(), 3U);
  std::ranges::sort(rates);
  EXPECT_DOUBLE_EQ(rates[1], result.tokens_per_second) << "the middle one is the median";
  EXPECT_GE(result.step_ms, 4.0);
  EXPECT_LE(result.tokens_per_second, 500.0);
  EXPECT_NEAR(result.tokens_per_second * result.step_ms, 2000.0, 1e-6);
  EXPECT_DOUBLE_EQ(result.flops_per_second, 7.0 * result.tokens_per_second);
  EXPECT_DOUBLE_EQ(result.share_of_gemm_peak,
                   result.flops_per_second / result.gemm_flops_per_second);
  EXPECT_GE(result.spread, 0.0);
  EXPECT_GT(result.peak_rss_mib, 1.0);
  EXPECT_GE(result.threads, 1);
}

TEST(Benchmark, RefusesNoRepetitions) { EXPECT_THROW(run_benchmark({}, 0), Error); }

TEST(Benchmark, TrainingAndEvaluationRunStepAfterStep) {
  for (const std::string preset : {"slide", "rec-lstm-dual", "feedback-fixed-skip"}) {
    RunConfig config = tiny_run(preset);
    config.train.accumulation = 2;
    const BenchmarkWork training = training_work(config);
    EXPECT_EQ(training.tokens_per_step, 4 * config.model.segment);
    EXPECT_DOUBLE_EQ(training.flops_per_token, 3.0 * forward_flops_per_token(config.model));
    const BenchmarkWork evaluation = evaluation_work(config);
    EXPECT_EQ(evaluation.tokens_per_step, 3 * config.model.segment);
    for (int step = 0; step < 3; ++step) {
      EXPECT_NO_THROW(training.repeat());
      EXPECT_NO_THROW(evaluation.repeat());
    }
  }
}

TEST(Benchmark, JsonHoldsEveryKey) {
  BenchmarkResult result;
  result.tokens_per_second = 12.5;
  const nlohmann::json json = nlohmann::json::parse(benchmark_to_json(result, "eval", "bf16"));
  for (const std::string key : {"tokens_per_second", "tokens_per_second_each", "spread", "step_ms",
                                "peak_rss_mib", "flops_per_token", "flops_per_second",
                                "share_of_gemm_peak", "cpu", "kernel_target", "threads", "dtype"}) {
    EXPECT_TRUE(json.contains(key)) << key;
  }
  EXPECT_EQ(json["tokens_per_second"], 12.5);
  EXPECT_EQ(json["dtype"], "bf16");
}

}  // namespace
}  // namespace brt
