// SPDX-License-Identifier: Apache-2.0
// A training that goes on for one checkpoint, with each of its calls killed and failed.
#include <filesystem>
#include <stdexcept>
#include <string>

#include "base/files.h"
#include "checkpoint/checkpoints.h"
#include "data/prepared_data.h"
#include "faults/fault_trials.h"
#include "support/tiny_recipe.h"
#include "train/train_loop.h"

namespace brt {
namespace {

namespace fs = std::filesystem;

RunConfig recipe(const fs::path& folder, int64_t steps) {
  RunConfig config = tiny_recipe(folder / "data");
  config.data.validation_split = "";
  config.train.steps = steps;
  config.train.lanes = 1;
  config.train.log_every = 1;
  config.train.checkpoint_every = 1;
  config.train.keep_last = 1;
  config.optimizer.warmup = 1;
  config.optimizer.schedule = ScheduleType::kConstant;  // so that the number of steps may change
  config.evaluation.every = 0;
  return config;
}

void train(const fs::path& folder, int64_t steps) {
  // Paths of the data are part of a run, and trials have folders of their own.
  fs::current_path(folder);
  run_training({.config = recipe(".", steps), .run_folder = folder / "run"}, {});
}

void begin(const fs::path& folder) {
  const ScratchFolder inputs;
  put_bytes(inputs / "text", std::string(300, 'a') + std::string(200, 'b'));
  PrepareOptions options;
  options.inputs = {(inputs / "text").string()};
  options.output = folder / "data";
  prepare_split(options, nullptr);
  train(folder, 2);
}

void expect_newest_checkpoint(const fs::path& folder) {
  const std::optional<fs::path> newest = newest_checkpoint(folder / "run", nullptr);
  if (!newest) {
    throw std::runtime_error("no checkpoint is whole");
  }
  const int64_t step = checkpoint_step(*newest);
  if (step != 2 && step != 3) {
    throw std::runtime_error("the newest checkpoint is of step " + std::to_string(step));
  }
}

/// Lines with times in them, and what is anew at each start.
bool differs_between_runs(const std::string& name) {
  return name.ends_with(".lock") || name == "run/metrics.jsonl" || name.ends_with("trainer.json") ||
         name.ends_with("manifest.json");
}

FaultOperation saving_a_checkpoint() {
  return {.begin = begin,
          .act =
              [](const fs::path& folder) {
                train(folder, 3);
                for (const fs::path& entry : folder_entries(folder / "run")) {
                  if (entry.filename().string().starts_with("events.out.")) {
                    fs::remove(entry);  // one a start
                  }
                }
              },
          .check = expect_newest_checkpoint,
          .is_passed_over = differs_between_runs};
}

TEST(CheckpointFaults, AKillAtAnyCallLeavesTheOldOrTheNew) {
  FaultTrials(saving_a_checkpoint()).kill_at_every_change(FaultKind::kKill);
}

TEST(CheckpointFaults, APowerCutAtAnyCallLeavesTheOldOrTheNew) {
  FaultTrials(saving_a_checkpoint()).kill_at_every_change(FaultKind::kPowerCut);
}

TEST(CheckpointFaults, AFailingDiskLeavesTheOldOrTheNew) {
  FaultTrials(saving_a_checkpoint()).fail_every_call(EIO);
}

TEST(CheckpointFaults, AFullDiskLeavesTheOldOrTheNew) {
  FaultTrials(saving_a_checkpoint()).fail_every_call(ENOSPC);
}

TEST(CheckpointFaults, ShortAndInterruptedCallsChangeNothing) {
  FaultTrials trials(saving_a_checkpoint());
  trials.disturb_all_calls(FaultKind::kShort);
  trials.disturb_all_calls(FaultKind::kInterrupt);
}

}  // namespace
}  // namespace brt
