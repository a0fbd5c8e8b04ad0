// SPDX-License-Identifier: Apache-2.0
// The program itself: stopped by signals, killed, or with more threads, it comes to the same
// weights.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "support/program.h"

namespace brt {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using std::chrono_literals::operator""ms;

constexpr int kSteps = 24;
constexpr int kKilled = -SIGKILL;

constexpr const char* kRecipe = R"([model]
num_layers = 3
width = 32
num_heads = 2
head_size = 16
ffn_width = 64
window = 16
segment = 64
num_states = 8
recurrent_layers = [1]

[train]
lanes = 4
accumulation = 2
dropout = 0.1
threads = 1
log_every = 1
checkpoint_every = 5

[optimizer]
warmup = 5

[evaluation]
every = 8
lanes = 2
)";

int64_t count_lines(const fs::path& path) {
  const std::string text = bytes_of(path);
  return std::count(text.begin(), text.end(), '\n');
}

class TrainResume : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::string pattern = (fs::temp_directory_path() / "brt-e2e-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    std::ofstream(folder_ / "recipe.toml") << kRecipe;
    // Some documents end within a run, at different steps of different lanes.
    prepare("train", {150, 700, 90, 400, 1000, 330, 64, 65, 2000});
    prepare("validation", {300, 200});
  }
  static void TearDownTestSuite() {
    std::error_code error;
    fs::remove_all(folder_, error);
  }

  static void prepare(const std::string& split, const std::vector<int64_t>& sizes) {
    fs::create_directory(folder_ / split);
    for (size_t i = 0; i < sizes.size(); ++i) {
      std::ofstream(folder_ / split / ("book" + std::to_string(i) + ".txt"))
          << words(sizes[i], i + split.size());
    }
    const std::vector<std::string> arguments = {
        "prepare", "--input", (folder_ / split).string(), "--output", (folder_ / "data").string(),
        "--split", split};
    ASSERT_EQ(Process(arguments, folder_ / "prepare.log").wait(), 0)
        << bytes_of(folder_ / "prepare.log");
  }

  static std::unique_ptr<Process> start(const std::string& run,
                                        const std::string& dtype,
                                        const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"train",
                                          "--config",
                                          (folder_ / "recipe.toml").string(),
                                          "--set",
                                          "data.path=\"" + (folder_ / "data").string() + "\"",
                                          "--set",
                                          "train.dtype=" + dtype,
                                          "--set",
                                          "train.steps=" + std::to_string(kSteps),
                                          "--run",
                                          (folder_ / run).string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return std::make_unique<Process>(arguments, folder_ / (run + ".log"));
  }

  static std::string log(const std::string& run) { return bytes_of(folder_ / (run + ".log")); }

  static std::string final_weights(const std::string& run) {
    char name[32];
    std::snprintf(name, sizeof(name), "step-%08d", kSteps);
    return bytes_of(folder_ / run / "checkpoints" / name / "model.safetensors");
  }

  /// Weights of the uninterrupted run, trained once per dtype.
  static std::string expected_weights(const std::string& dtype) {
    const std::string run = "whole-" + dtype;
    if (!fs::exists(folder_ / run)) {
      EXPECT_EQ(start(run, dtype)->wait(), 0) << log(run);
      EXPECT_FALSE(final_weights(run).empty());
    }
    return final_weights(run);
  }

  /// Waits until a run has logged this many steps; false if it ended before.
  static bool wait_for_steps(Process& process, const std::string& run, int64_t steps) {
    while (count_lines(folder_ / run / "metrics.jsonl") < steps) {
      if (!process.is_running()) {
        return false;
      }
      std::this_thread::sleep_for(1ms);
    }
    return true;
  }

  /// Lines of metrics.jsonl without what depends on the clock.
  static std::vector<json> timeless_metrics(const std::string& run) {
    std::vector<json> lines;
    std::istringstream text(bytes_of(folder_ / run / "metrics.jsonl"));
    for (std::string line; std::getline(text, line);) {
      json object = json::parse(line);
      object.erase("seconds");
      object.erase("tokens_per_second");
      lines.push_back(object);
    }
    return lines;
  }

  static void expect_same_run(const std::string& run, const std::string& dtype) {
    EXPECT_TRUE(final_weights(run) == expected_weights(dtype)) << log(run);
    const std::vector<json> lines = timeless_metrics(run);
    const std::vector<json> expected = timeless_metrics("whole-" + dtype);
    ASSERT_EQ(lines.size(), expected.size());
    for (size_t i = 0; i < lines.size(); ++i) {
      EXPECT_EQ(lines[i], expected[i]);
    }
  }

  static fs::path folder_;
};

fs::path TrainResume::folder_;

class TrainResumeOfDType : public TrainResume, public testing::WithParamInterface<const char*> {};

TEST_P(TrainResumeOfDType, StoppedBySigtermAtVariousStepsGivesTheSameWeights) {
  const std::string dtype = GetParam();
  const std::string run = "stopped-" + dtype;
  for (const int64_t steps : {2, 9, 16}) {
    const std::unique_ptr<Process> process = start(run, dtype);
    ASSERT_TRUE(wait_for_steps(*process, run, steps)) << log(run);
    process->signal(SIGTERM);
    ASSERT_EQ(process->wait(), 128 + SIGTERM) << log(run);
  }
  ASSERT_EQ(start(run, dtype)->wait(), 0) << log(run);
  expect_same_run(run, dtype);
}

TEST_P(TrainResumeOfDType, KilledAtVariousMomentsGivesTheSameWeights) {
  const std::string dtype = GetParam();
  const std::string run = "killed-" + dtype;
  int kills = 0;
  // Between checkpoints, right after one, and a little later in the step or the writing.
  for (const auto& [steps, delay] : std::vector<std::pair<int64_t, std::chrono::milliseconds>>{
           {3, 0ms}, {5, 1ms}, {10, 3ms}, {13, 7ms}, {20, 0ms}}) {
    const std::unique_ptr<Process> process = start(run, dtype);
    if (wait_for_steps(*process, run, steps)) {
      std::this_thread::sleep_for(delay);
      process->signal(SIGKILL);
      kills += process->wait() == kKilled ? 1 : 0;
    }
  }
  EXPECT_GE(kills, 3) << log(run);
  ASSERT_EQ(start(run, dtype)->wait(), 0) << log(run);
  expect_same_run(run, dtype);
}

TEST_P(TrainResumeOfDType, TwoThreadsGiveTheSameWeightsAndLosses) {
  const std::string dtype = GetParam();
  const std::string run = "two-threads-" + dtype;
  ASSERT_EQ(start(run, dtype, {"--set", "train.threads=2"})->wait(), 0) << log(run);
  expect_same_run(run, dtype);
}

TEST_P(TrainResumeOfDType, MayGoOnWithMoreThreads) {
  const std::string dtype = GetParam();
  const std::string run = "more-threads-" + dtype;
  const std::unique_ptr<Process> process = start(run, dtype);
  ASSERT_TRUE(wait_for_steps(*process, run, 2)) << log(run);
  process->signal(SIGTERM);
  ASSERT_EQ(process->wait(), 128 + SIGTERM) << log(run);
  ASSERT_EQ(start(run, dtype, {"--set", "train.threads=2"})->wait(), 0) << log(run);
  expect_same_run(run, dtype);
}

INSTANTIATE_TEST_SUITE_P(DTypes,
                         TrainResumeOfDType,
                         testing::Values("fp32", "bf16"),
                         [](const testing::TestParamInfo<const char*>& type) {
                           return std::string(type.param);
                         });

TEST_F(TrainResume, SecondSignalStopsAtOnce) {
  const std::unique_ptr<Process> process = start("twice", "fp32", {"--set", "train.steps=100000"});
  ASSERT_TRUE(wait_for_steps(*process, "twice", 1)) << log("twice");
  // Sent together they would count as one; the process ends at the second one at the latest.
  while (process->is_running()) {
    process->signal(SIGINT);
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_EQ(process->wait(), 128 + SIGINT) << log("twice");
}

TEST_F(TrainResume, OtherSettingsAreNamedAndNothingIsTrained) {
  expected_weights("fp32");
  const std::unique_ptr<Process> process =
      start("whole-fp32", "fp32", {"--set", "optimizer.rate=0.5"});
  EXPECT_NE(process->wait(), 0);
  EXPECT_NE(log("whole-fp32").find("optimizer.rate was 1"), std::string::npos) << log("whole-fp32");
  expect_same_run("whole-fp32", "fp32");
}

TEST_F(TrainResume, JsonOnStdoutIsOneObject) {
  const fs::path log_path = folder_ / "json.log";
  expected_weights("fp32");
  const std::unique_ptr<Process> process =
      start("whole-fp32", "fp32", {"--json", "--log-level", "off"});
  EXPECT_EQ(process->wait(), 0);
  const std::string text = log("whole-fp32");
  const size_t line = text.rfind('\n', text.size() - 2);
  const json object = json::parse(text.substr(line + 1));
  EXPECT_EQ(object["step"], kSteps);
  EXPECT_EQ(object["stopped"], false);
}

}  // namespace
}  // namespace brt
