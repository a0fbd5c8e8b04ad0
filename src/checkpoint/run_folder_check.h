// SPDX-License-Identifier: Apache-2.0
// Whose folder it is: new, empty, that of a run, or somebody else's.
#pragma once

#include <filesystem>

namespace brt {

/// Looks whether a run may begin or go on in a folder; touches nothing. It may if the folder is
/// missing or empty (lock file, hidden files and what the process writes its messages to apart), or
/// if a run of ours is there: checkpoints, or a config.toml in the form of run_config_to_toml.
/// @throws Error that says what the folder holds, or why it cannot be read.
void check_run_folder(const std::filesystem::path& folder);

}  // namespace brt
