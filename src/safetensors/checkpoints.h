// SPDX-License-Identifier: Apache-2.0
// The checkpoints of a run folder: what they are called and whether they are sound. What makes and
// deletes them is checkpoint/run_folder.h.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace brt {

/// A checkpoint that was found damaged, and why.
struct DamagedCheckpoint {
  std::filesystem::path folder;
  std::string reason;
};

/// Writes `folder`/manifest.json with size and checksum of every other file in it.
void write_manifest(const std::filesystem::path& folder);

/// Why a checkpoint folder is not complete and sound (files missing, other size, other checksum),
/// or nothing if it is.
std::optional<std::string> checkpoint_damage(const std::filesystem::path& folder);

/// As checkpoint_damage, of one file; nothing if the folder has no manifest or it does not name the
/// file.
std::optional<std::string> checkpoint_file_damage(const std::filesystem::path& folder,
                                                  const std::string& name);

/// Folders checkpoints/step-* of a run folder, oldest first.
std::vector<std::filesystem::path> list_checkpoints(const std::filesystem::path& run_folder);

/// The newest sound checkpoint of a run folder; damaged newer ones are appended to `damaged`.
std::optional<std::filesystem::path> newest_checkpoint(
    const std::filesystem::path& run_folder, std::vector<DamagedCheckpoint>* damaged = nullptr);

/// "step-00000500": what the checkpoint of a step is called.
std::string checkpoint_name(int64_t step);

/// The step in a checkpoint folder's name. @throws CheckpointError if the name is not of that form.
int64_t checkpoint_step(const std::filesystem::path& folder);

}  // namespace brt
