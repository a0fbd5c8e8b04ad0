// SPDX-License-Identifier: Apache-2.0
// The log of a run: metrics.jsonl and TensorBoard's file, written side by side.
#pragma once

#include <cstdint>
#include <filesystem>

#include <nlohmann/json.hpp>

#include "train/metrics_log.h"
#include "train/run_messages.h"
#include "train/tensorboard_log.h"

namespace brt {

/// A line that cannot be written ends no run: it waits, and the user hears of it once.
class RunLog {
 public:
  /// @param last_step   lines of later steps go (see MetricsLog)
  /// @param first_step  of this process (see TensorboardLog)
  /// @throws Error with the system's reason.
  RunLog(const std::filesystem::path& folder,
         int64_t last_step,
         int64_t first_step,
         RunMessages messages);
  /// Says what was lost, if lines still wait.
  ~RunLog();
  RunLog(const RunLog&) = delete;
  RunLog& operator=(const RunLog&) = delete;

  void write(int64_t step, const nlohmann::ordered_json& record);
  /// Tries again to write what waits.
  void retry();
  /// Flushes metrics.jsonl to disk.
  void sync();

 private:
  RunMessages messages_;
  MetricsLog metrics_;
  TensorboardLog tensorboard_;
  bool is_failing_ = false;

  const std::string& problem() const;
  void tell_changes();
};

}  // namespace brt
