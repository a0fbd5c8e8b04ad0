// SPDX-License-Identifier: Apache-2.0
// Decides which failures of a save end a run.
#include "train/checkpoint_saver.h"

#include <exception>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"

namespace brt {

CheckpointSaver::CheckpointSaver(RunFolder& folder, const TrainConfig& config, RunMessages messages)
    : folder_(folder), config_(config), messages_(std::move(messages)) {}

std::optional<std::filesystem::path> CheckpointSaver::save(const Request& request) {
  std::filesystem::path saved;
  try {
    saved = folder_.save_checkpoint(request.step, request.write);
  } catch (const std::exception& error) {
    postpone(request, error.what());
    return std::nullopt;
  }
  unsaved_since_.reset();
  messages_.note(fmt::format("checkpoint {}", saved.string()));
  delete_old(request);
  return saved;
}

void CheckpointSaver::postpone(const Request& request, const std::string& reason) {
  const bool is_first = !unsaved_since_;
  unsaved_since_ = unsaved_since_.value_or(request.step);
  constexpr std::string_view kHint = "\nhint: ";
  const size_t hint = reason.find(kHint);
  const std::string failure = fmt::format("checkpoint of step {} was not written: {}", request.step,
                                          reason.substr(0, hint));
  const int64_t left = *unsaved_since_ + config_.save_patience - request.step;
  if (request.is_last_chance || left <= 0) {
    throw CheckpointError(
        failure,
        fmt::format("earlier checkpoints of {} are as they were; {}", folder_.path().string(),
                    hint == std::string::npos ? "see to the disk and run the command again"
                                              : reason.substr(hint + kHint.size())));
  }
  if (is_first) {
    messages_.warn(fmt::format(
        "{}; the run goes on and tries again after every step, for {} more (train.save_patience)",
        failure, left));
  }
}

void CheckpointSaver::finish_last(const std::filesystem::path& newest, const Request& request) {
  try {
    folder_.name_newest(newest);
  } catch (const std::exception& error) {
    messages_.warn(fmt::format("checkpoints/latest was not renewed: {}", error.what()));
  }
  delete_old(request);
}

/// Too many are better than a run that ends.
void CheckpointSaver::delete_old(const Request& request) {
  if (request.keep_all) {
    return;
  }
  try {
    folder_.apply_retention({.keep_last = config_.keep_last,
                             .keep_every = config_.keep_every,
                             .best_step = config_.keep_best ? request.best_step : std::nullopt});
  } catch (const std::exception& error) {
    messages_.warn(fmt::format("old checkpoints were not deleted: {}", error.what()));
  }
}

void CheckpointSaver::check_place(const std::function<void()>& save_first) {
  try {
    folder_.lock().check_held();
  } catch (const Error&) {
    if (folder_.lock().holds_folder()) {
      save_first();
    }
    throw;
  }
}

}  // namespace brt
