// SPDX-License-Identifier: Apache-2.0
// From the path that a user gives to the model folder it stands for.
#pragma once

#include <filesystem>

#include "checkpoint/checkpoints.h"

namespace brt {

/// The model folder that `path` stands for: itself, a run folder's newest complete checkpoint, or
/// the one that RUN@best, RUN@latest or RUN@STEP names (checkpoint_name.h).
/// @param on_warning  called for each damaged newer checkpoint that is passed over
/// @throws CheckpointError with a hint if it is neither, or if what it holds cannot be read.
std::filesystem::path find_model_folder(const std::filesystem::path& path,
                                        const CheckpointWarning& on_warning = {});

/// Verifies config, tokenizer and weights of a model folder against its manifest, where it has one.
/// @throws CheckpointError naming the file that differs.
void check_manifest(const std::filesystem::path& folder);

}  // namespace brt
