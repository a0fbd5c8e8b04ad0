// SPDX-License-Identifier: Apache-2.0
// A run's folder: lock, checkpoints that appear whole or not at all, and which of them are kept.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>

#include "base/files.h"
#include "base/new_folders.h"
#include "checkpoint/written_file.h"

namespace brt {

/// Which checkpoints outlive the next one.
struct RetentionPolicy {
  int64_t keep_last = 2;
  int64_t keep_every = 0;                 ///< 0: none
  std::optional<int64_t> best_step = {};  ///< also kept, if set
};

/// The folder of a running training, locked against other processes (lock file `run.lock`).
class RunFolder {
 public:
  /// Makes the folder if it is missing; one that was made is removed on destruction if nothing was
  /// put into it. What killed processes left of checkpoints is put right or removed. @throws Error,
  /// before anything is written, if another process holds it or check_run_folder refuses it.
  explicit RunFolder(const std::filesystem::path& folder);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  const std::filesystem::path& path() const { return folder_; }

  const FileLock& lock() const { return *lock_; }

  /// Makes checkpoints/step-XXXXXXXX: `write` fills a temporary folder and says what it gave each
  /// file, the manifest of that is added, all is flushed to disk, and the folder is renamed; then
  /// checkpoints/latest is renewed. On an exception nothing remains.
  /// @return the checkpoint's folder
  std::filesystem::path save_checkpoint(
      int64_t step, const std::function<WrittenFiles(const std::filesystem::path&)>& write);

  /// Renews checkpoints/latest where it does not name `newest`: a kill can come between a
  /// checkpoint and its name.
  void name_newest(const std::filesystem::path& newest) const;

  /// Deletes the checkpoints that the policy does not keep. Of the newest, damaged ones do not
  /// count; the newest sound one always stays, and where none is sound nothing is deleted. What
  /// cannot be read or is of a later format stays too.
  void apply_retention(const RetentionPolicy& policy);

 private:
  std::filesystem::path folder_;
  NewFolders new_folders_;
  std::optional<FileLock> lock_;
  std::set<int64_t> sound_steps_;  ///< checkpoints known to be sound: those saved by this object
};

}  // namespace brt
