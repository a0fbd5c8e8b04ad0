// SPDX-License-Identifier: Apache-2.0
// metrics.jsonl: one JSON object per logged step.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace brt {

/// Appends lines; each is with the system, whole, when append returns.
class MetricsLog {
 public:
  /// Opens the file or creates it. Lines of steps after `last_step` are cut off, and so is whatever
  /// follows the first line that is not a whole object with a step (a kill may leave half a line).
  /// @throws Error with the system's reason.
  MetricsLog(const std::filesystem::path& path, int64_t last_step);
  ~MetricsLog();
  MetricsLog(const MetricsLog&) = delete;
  MetricsLog& operator=(const MetricsLog&) = delete;

  /// @param json  one object with a key "step", no line break in it.
  void append(const std::string& json);
  /// Flushes to disk.
  void sync();

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

}  // namespace brt
