// SPDX-License-Identifier: Apache-2.0
// metrics.jsonl: one JSON object per logged step.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "train/record_file.h"

namespace brt {

/// Appends lines; each is whole in the file when append returns, or waits to be (see RecordFile).
class MetricsLog {
 public:
  /// Opens the file or creates it. Lines of steps after `last_step` go, and so do those that are no
  /// whole object with a step (a kill may leave half a line); all others stay, in their order.
  /// @throws Error with the system's reason.
  MetricsLog(const std::filesystem::path& path, int64_t last_step);

  /// @param json  one object with a key "step", no line break in it.
  void append(const std::string& json) { file_->append(json + "\n"); }
  /// Tries again to write the lines that wait.
  void flush() { file_->flush(); }
  /// Flushes to disk.
  void sync() { file_->sync(); }
  /// Why lines wait; empty if none does.
  const std::string& problem() const { return file_->problem(); }

  /// Which lines were dropped as unreadable, for the user; empty if none was.
  const std::string& dropped() const { return dropped_; }

 private:
  std::optional<RecordFile> file_;
  std::string dropped_;
};

}  // namespace brt
