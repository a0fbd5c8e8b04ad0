// SPDX-License-Identifier: Apache-2.0
// Which settings may differ on resume, and which checkpoint is taken.
#include "train/resume_rules.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "checkpoint/checkpoints.h"
#include "checkpoint/run_folder.h"
#include "checkpoint/scratch_folder.h"
#include "support/written_files.h"

namespace brt {
namespace {

std::string problem_of(const RunConfig& saved, const RunConfig& requested, int64_t step = 10) {
  return thrown_message<ConfigError>([&] { check_resumed_config(saved, requested, step); });
}

void save_step(const std::filesystem::path& run, int64_t step) {
  RunFolder folder(run);
  folder.save_checkpoint(step, [](const std::filesystem::path& checkpoint) {
    put_bytes(checkpoint / "weights", "0123456789");
    return files_in(checkpoint);
  });
}

TEST(ResumeRules, EveryDifferenceIsNamedWithBothValues) {
  const RunConfig saved;
  RunConfig requested;
  requested.train.lanes = 3;
  requested.optimizer.rate = 0.5;
  requested.train.log_every = 77;
  const std::string message = problem_of(saved, requested);
  EXPECT_TRUE(says(message, "train.lanes was 8, now it is 3"));
  EXPECT_TRUE(says(message, "optimizer.rate was 1"));
  EXPECT_TRUE(says(message, "hint: "));
  EXPECT_FALSE(says(message, "log_every"));
}

TEST(ResumeRules, SettingsThatChangeNoNumbersMayDiffer) {
  const RunConfig saved;
  RunConfig requested;
  requested.train.log_every = 1;
  requested.train.checkpoint_every = 3;
  requested.train.keep_last = 9;
  requested.train.keep_every = 2;
  requested.train.keep_best = false;
  requested.train.save_patience = 1;
  requested.train.threads = 3;
  requested.data.path = "moved";
  requested.evaluation = {.every = 3, .max_tokens = 5, .lanes = 1};
  EXPECT_EQ(problem_of(saved, requested), "nothing thrown");
}

TEST(ResumeRules, LanesMayNotDiffer) {
  RunConfig saved;
  saved.train.lanes = 4;
  RunConfig requested = saved;
  requested.train.lanes = 3;
  EXPECT_TRUE(says(problem_of(saved, requested), "train.lanes was 4, now it is 3"));
}

TEST(ResumeRules, StepsMayDifferUnlessTheScheduleDependsOnThem) {
  RunConfig saved;
  RunConfig requested;
  requested.train.steps = 5000;
  EXPECT_EQ(problem_of(saved, requested), "nothing thrown");
  saved.optimizer.schedule = ScheduleType::kCosine;
  requested.optimizer.schedule = ScheduleType::kCosine;
  EXPECT_TRUE(says(problem_of(saved, requested), "train.steps was 1000, now it is 5000"));
}

TEST(ResumeRules, StepsMayNotBeFewerThanAreDone) {
  RunConfig requested;
  requested.train.steps = 9;
  EXPECT_TRUE(says(problem_of(RunConfig(), requested), "the run has reached step 10 already"));
}

TEST(ResumeRules, ModesDifferInWhatTheyDemand) {
  const ScratchFolder folder;
  const std::filesystem::path run = folder / "run";
  const std::function<void(const std::string&)> ignore = [](const std::string&) {};
  EXPECT_FALSE(find_resume_checkpoint(run, ResumeMode::kAuto, ignore));
  EXPECT_FALSE(find_resume_checkpoint(run, ResumeMode::kNever, ignore));
  EXPECT_TRUE(says(thrown_message<CheckpointError>(
                       [&] { find_resume_checkpoint(run, ResumeMode::kMust, ignore); }),
                   "no checkpoint to resume from"));
  save_step(run, 5);
  EXPECT_EQ(checkpoint_step(*find_resume_checkpoint(run, ResumeMode::kAuto, ignore)), 5);
  EXPECT_EQ(checkpoint_step(*find_resume_checkpoint(run, ResumeMode::kMust, ignore)), 5);
  EXPECT_TRUE(says(thrown_message<CheckpointError>(
                       [&] { find_resume_checkpoint(run, ResumeMode::kNever, ignore); }),
                   "the newest is step-00000005"));
}

TEST(ResumeRules, DamagedNewestCheckpointIsNamedAndTheOneBeforeTaken) {
  const ScratchFolder folder;
  const std::filesystem::path run = folder / "run";
  save_step(run, 5);
  save_step(run, 9);
  damage_file(run / "checkpoints" / "step-00000009" / "weights");
  std::vector<std::string> warnings;
  const std::function<void(const std::string&)> collect = [&](const std::string& text) {
    warnings.push_back(text);
  };
  EXPECT_EQ(checkpoint_step(*find_resume_checkpoint(run, ResumeMode::kAuto, collect)), 5);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_TRUE(says(warnings[0], "step-00000009: damaged, passed over: weights has checksum"));
  damage_file(run / "checkpoints" / "step-00000005" / "weights");
  EXPECT_TRUE(says(thrown_message<CheckpointError>(
                       [&] { find_resume_checkpoint(run, ResumeMode::kAuto, collect); }),
                   "none of the 2 checkpoints is sound"));
}

TEST(ResumeRules, WhatCannotBeReadIsNeitherPassedOverNorAReasonToStartAnew) {
  const ScratchFolder folder;
  const std::filesystem::path run = folder / "run";
  save_step(run, 5);
  save_step(run, 9);
  const std::filesystem::path weights = run / "checkpoints" / "step-00000009" / "weights";
  std::filesystem::remove(weights);
  std::filesystem::create_symlink("weights", weights);
  const auto message = [&] {
    return thrown_message<CheckpointError>(
        [&] { find_resume_checkpoint(run, ResumeMode::kAuto, [](const std::string&) {}); });
  };
  EXPECT_TRUE(says(message(), "step-00000009: cannot be read"));
  std::filesystem::remove_all(run / "checkpoints");
  std::filesystem::create_symlink("checkpoints", run / "checkpoints");
  EXPECT_TRUE(says(message(), "checkpoints: cannot be read"));
}

TEST(ResumeRules, WordsOfModes) {
  EXPECT_EQ(resume_mode_from_word("must"), ResumeMode::kMust);
  EXPECT_TRUE(says(thrown_message<ConfigError>([] { resume_mode_from_word("mast"); }),
                   "did you mean \"must\"?"));
}

}  // namespace
}  // namespace brt
