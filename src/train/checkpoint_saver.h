// SPDX-License-Identifier: Apache-2.0
// Checkpoints of a running training, saved with patience.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "checkpoint/run_folder.h"
#include "config/run_config.h"
#include "train/run_messages.h"

namespace brt {

/// Writes checkpoints into a run's folder and deletes old ones. What cannot be written is a warning
/// and is to be tried again after the next step; an error comes when train.save_patience steps have
/// passed since the first failure.
class CheckpointSaver {
 public:
  /// @param folder  must outlive the object
  CheckpointSaver(RunFolder& folder, const TrainConfig& config, RunMessages messages);

  /// Whether the last one could not be written.
  bool is_overdue() const { return unsaved_since_.has_value(); }

  /// One checkpoint.
  struct Request {
    int64_t step = 0;
    bool is_last_chance = false;       ///< no later step: a failure is an error
    std::optional<int64_t> best_step;  ///< also kept
    bool keep_all = false;             ///< while steps are skipped the weights may be past saving
    std::function<WrittenFiles(const std::filesystem::path&)> write;
  };
  /// @return its folder; nothing if it could not be written
  /// @throws CheckpointError with the reason if there is no later step or patience is at its end.
  std::optional<std::filesystem::path> save(const Request& request);

  /// What the process that wrote the newest checkpoint may have been killed before: its name, and
  /// the end of those that it replaces. Failures are warnings.
  void finish_last(const std::filesystem::path& newest, const Request& request);

  /// Looks whether folder and lock file are still this run's own.
  /// @param save_first  called if only the lock file is not, so that nobody else got in
  /// @throws Error if they were deleted, moved or replaced.
  void check_place(const std::function<void()>& save_first);

 private:
  RunFolder& folder_;
  TrainConfig config_;
  RunMessages messages_;
  std::optional<int64_t> unsaved_since_;

  void postpone(const Request& request, const std::string& reason);
  void delete_old(const Request& request);
};

}  // namespace brt
