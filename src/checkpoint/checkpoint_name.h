// SPDX-License-Identifier: Apache-2.0
// Which checkpoint of a run is meant: RUN@best, RUN@latest, RUN@STEP.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "checkpoint/checkpoints.h"

namespace brt {

/// The step with the lowest validation loss among the run's checkpoints, as the checkpoint in
/// `folder` remembers it; nothing if none was evaluated.
std::optional<int64_t> best_step(const std::filesystem::path& folder);

/// The checkpoint folder that RUN@NAME stands for: NAME is `best`, `latest` (the newest sound one)
/// or a step. Nothing if the path has no such form or what stands before the last @ is no run
/// folder. @throws CheckpointError, naming those there are, if the run has no such checkpoint.
/// @param on_warning  called for each damaged newer checkpoint that is passed over
std::optional<std::filesystem::path> find_named_checkpoint(
    const std::filesystem::path& path, const CheckpointWarning& on_warning = {});

/// A sentence for a user who gave a run and gets `folder`, its newest checkpoint, where another one
/// is the best; empty otherwise.
std::string better_checkpoint_note(const std::filesystem::path& given,
                                   const std::filesystem::path& folder);

}  // namespace brt
