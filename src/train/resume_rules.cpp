// SPDX-License-Identifier: Apache-2.0
// Whether a run may go on: which checkpoint, under which settings.
#include "train/resume_rules.h"

#include <set>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "checkpoint/checkpoints.h"
#include "config/config_problems.h"

namespace brt {
namespace {

const std::vector<std::string>& resume_words() {
  static const std::vector<std::string> words = {"auto", "never", "must"};
  return words;
}

bool depends_on_steps(ScheduleType schedule) {
  return schedule == ScheduleType::kCosine || schedule == ScheduleType::kReferenceCosine;
}

}  // namespace

ResumeMode resume_mode_from_word(const std::string& word) {
  if (word == "auto") {
    return ResumeMode::kAuto;
  }
  if (word == "never") {
    return ResumeMode::kNever;
  }
  if (word == "must") {
    return ResumeMode::kMust;
  }
  throw ConfigError(unknown_name_text("resume mode", word, resume_words()));
}

bool may_differ_on_resume(const std::string& name, const RunConfig& config) {
  static const std::set<std::string> free = {"data.path",
                                             "train.threads",
                                             "train.save_patience",
                                             "train.log_every",
                                             "train.checkpoint_every",
                                             "train.keep_last",
                                             "train.keep_every",
                                             "train.keep_best",
                                             "evaluation.every",
                                             "evaluation.max_tokens",
                                             "evaluation.lanes"};
  if (name == "train.steps") {
    return !depends_on_steps(config.optimizer.schedule);
  }
  return free.contains(name);
}

void check_resumed_config(const RunConfig& saved, const RunConfig& requested, int64_t step) {
  std::vector<std::string> problems;
  for (const FieldDifference& field : config_differences(saved, requested)) {
    if (!may_differ_on_resume(field.name, saved)) {
      problems.push_back(
          fmt::format("{} was {}, now it is {}", field.name, field.left, field.right));
    }
  }
  if (!problems.empty()) {
    throw ConfigError(
        fmt::format("the run cannot be resumed with other settings: {}", fmt::join(problems, "; ")),
        "use the settings of the run folder's config.toml, or another --run folder for a new run");
  }
  if (requested.train.steps < step) {
    throw ConfigError(fmt::format("train.steps is {}, but the run has reached step {} already",
                                  requested.train.steps, step));
  }
}

std::optional<std::filesystem::path> find_resume_checkpoint(
    const std::filesystem::path& run_folder,
    ResumeMode mode,
    const std::function<void(const std::string&)>& on_warning) {
  const std::vector<std::filesystem::path> all = list_checkpoints(run_folder);
  if (mode == ResumeMode::kNever && !all.empty()) {
    throw CheckpointError(fmt::format("{}: has checkpoints already, the newest is {}",
                                      run_folder.string(), all.back().filename().string()),
                          "go on with --resume auto, or choose another --run folder");
  }
  std::vector<DamagedCheckpoint> damaged;
  std::optional<std::filesystem::path> newest = newest_checkpoint(run_folder, &damaged);
  for (const DamagedCheckpoint& checkpoint : damaged) {
    on_warning(
        fmt::format("{}: damaged, passed over: {}", checkpoint.folder.string(), checkpoint.reason));
  }
  if (!newest && !all.empty()) {
    throw CheckpointError(
        fmt::format("{}: none of the {} checkpoints is sound", run_folder.string(), all.size()),
        "delete the folder checkpoints to start anew");
  }
  if (!newest && mode == ResumeMode::kMust) {
    throw CheckpointError(
        fmt::format("{}: there is no checkpoint to resume from", run_folder.string()),
        "--resume auto starts a new run where there is none");
  }
  return newest;
}

}  // namespace brt
