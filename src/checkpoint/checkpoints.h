// SPDX-License-Identifier: Apache-2.0
// The checkpoints of a run folder: what they are called and whether they are sound. What makes and
// deletes them is checkpoint/run_folder.h.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/written_file.h"

namespace brt {

/// What a look at a checkpoint comes to. Only damage is a reason to take an older one: what cannot
/// be read now may be whole.
enum class CheckpointCondition {
  kSound,
  kDamaged,     ///< files missing, of another size or checksum; a manifest that is none
  kUnreadable,  ///< permissions, a failing disk, a link that leads nowhere
  kNewer,       ///< of a later format than this program knows
};

struct CheckpointFinding {
  CheckpointCondition condition = CheckpointCondition::kSound;
  std::string reason;  ///< with the system's where there is one; empty if sound
};

/// A checkpoint that was found damaged, and why.
struct DamagedCheckpoint {
  std::filesystem::path folder;
  std::string reason;
};

/// Writes `folder`/manifest.json: size and checksum of what each file was given, so that a
/// difference on the disk is found. @throws CheckpointError if one does not read back so even now.
void write_manifest(const std::filesystem::path& folder, const WrittenFiles& files);

/// Compares every file that the manifest names.
CheckpointFinding examine_checkpoint(const std::filesystem::path& folder);

/// As examine_checkpoint, of one file; sound if the folder has no manifest or it does not name the
/// file.
CheckpointFinding examine_checkpoint_file(const std::filesystem::path& folder,
                                          const std::string& name);

/// @param finding  other than sound
/// @throws CheckpointError that says what it means, with the cure. Always.
[[noreturn]] void refuse_checkpoint(const std::filesystem::path& folder,
                                    const CheckpointFinding& finding);

/// Why a checkpoint folder is not sound, whatever its condition, or nothing if it is.
std::optional<std::string> checkpoint_damage(const std::filesystem::path& folder);

/// Folders checkpoints/step-* of a run folder, oldest first; none if there is no such folder.
/// @throws CheckpointError with the system's reason if the folder cannot be read.
std::vector<std::filesystem::path> list_checkpoints(const std::filesystem::path& run_folder);

/// The newest sound checkpoint of a run folder; damaged newer ones are appended to `damaged`.
/// @throws CheckpointError if one that comes before it cannot be read or is of a later format.
std::optional<std::filesystem::path> newest_checkpoint(
    const std::filesystem::path& run_folder, std::vector<DamagedCheckpoint>* damaged = nullptr);

/// Told what a user should know of a checkpoint that is taken.
using CheckpointWarning = std::function<void(const std::string&)>;

/// Says of each damaged checkpoint that `taken` is used in its place. `on_warning` may be empty.
void warn_of_damage(const std::vector<DamagedCheckpoint>& damaged,
                    const std::filesystem::path& taken,
                    const CheckpointWarning& on_warning);

/// "step-00000500": what the checkpoint of a step is called.
std::string checkpoint_name(int64_t step);

/// Whether a name is of that form.
bool is_checkpoint_name(const std::string& name);

/// The step in a checkpoint folder's name. @throws CheckpointError if the name is not of that form.
int64_t checkpoint_step(const std::filesystem::path& folder);

}  // namespace brt
