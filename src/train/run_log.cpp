// SPDX-License-Identifier: Apache-2.0
// Tells when lines begin to wait and when they are written.
#include "train/run_log.h"

#include <utility>

#include <fmt/format.h>

#include "train/step_record.h"

namespace brt {

RunLog::RunLog(const std::filesystem::path& folder,
               int64_t last_step,
               int64_t first_step,
               RunMessages messages)
    : messages_(std::move(messages)),
      metrics_(folder / "metrics.jsonl", last_step),
      tensorboard_(folder, first_step) {
  if (!metrics_.dropped().empty()) {
    messages_.warn(metrics_.dropped());
  }
}

RunLog::~RunLog() {
  if (is_failing_) {
    messages_.warn(fmt::format("the last lines of the log are lost: {}", problem()));
  }
}

void RunLog::write(int64_t step, const nlohmann::ordered_json& record) {
  metrics_.append(record.dump());
  tensorboard_.write(step, record_scalars(record));
  tell_changes();
}

void RunLog::retry() {
  metrics_.flush();
  tensorboard_.flush();
  tell_changes();
}

void RunLog::sync() {
  metrics_.sync();
  tell_changes();
}

const std::string& RunLog::problem() const {
  return metrics_.problem().empty() ? tensorboard_.problem() : metrics_.problem();
}

void RunLog::tell_changes() {
  const bool was_failing = std::exchange(is_failing_, !problem().empty());
  if (is_failing_ && !was_failing) {
    messages_.warn(fmt::format("{}; the run goes on and tries again after every step", problem()));
  } else if (was_failing && !is_failing_) {
    messages_.note("the log is written again; nothing of it was lost");
  }
}

}  // namespace brt
