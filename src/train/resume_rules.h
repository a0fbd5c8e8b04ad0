// SPDX-License-Identifier: Apache-2.0
// Whether a run may go on: which checkpoint, under which settings.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "config/run_config.h"

namespace brt {

/// What `brt train` does with a run folder that has checkpoints, or has none.
enum class ResumeMode {
  kAuto,   ///< goes on from the newest sound checkpoint; starts anew if there is none
  kNever,  ///< checkpoints are an error
  kMust,   ///< no checkpoint is an error
};

/// "auto", "never", "must". @throws ConfigError naming the nearest known word.
ResumeMode resume_mode_from_word(const std::string& word);

/// Whether a resumed run may have another value of "section.key" than its checkpoint has. These are
/// the settings that change none of its weights and losses:
///
///   data.path, since the data themselves are compared
///   train.log_every, checkpoint_every, keep_last, keep_every, keep_best, save_patience
///   evaluation.every, max_tokens, lanes
///   train.steps where the schedule (rsqrt, constant) does not depend on it
bool may_differ_on_resume(const std::string& name, const RunConfig& config);

/// @param step  the checkpoint's
/// @throws ConfigError naming every other difference with both values, or train.steps < step.
void check_resumed_config(const RunConfig& saved, const RunConfig& requested, int64_t step);

/// The checkpoint to go on from, or nothing to start anew. Damaged newer ones are passed over, each
/// with a call of `on_warning`.
/// @throws CheckpointError as `mode` demands, if there are checkpoints but none is sound, or if one
/// cannot be read or is of a later format.
std::optional<std::filesystem::path> find_resume_checkpoint(
    const std::filesystem::path& run_folder,
    ResumeMode mode,
    const std::function<void(const std::string&)>& on_warning);

}  // namespace brt
