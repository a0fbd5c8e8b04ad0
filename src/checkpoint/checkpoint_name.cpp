// SPDX-License-Identifier: Apache-2.0
// Reads what follows the @ of a run.
#include "checkpoint/checkpoint_name.h"

#include <charconv>
#include <string>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "checkpoint/checkpoints.h"
#include "config/bounded_json.h"

namespace brt {
namespace {

namespace fs = std::filesystem;

/// A path of the form RUN@NAME.
struct NamedPath {
  fs::path run;
  std::string name;
};

std::optional<NamedPath> split_name(const fs::path& path) {
  const std::string text = path.string();
  const size_t at = text.rfind('@');
  if (at == std::string::npos || at == 0 || text.find('/', at) != std::string::npos) {
    return std::nullopt;
  }
  NamedPath named = {.run = text.substr(0, at), .name = text.substr(at + 1)};
  std::error_code error;
  if (!fs::is_directory(named.run / "checkpoints", error)) {
    return std::nullopt;
  }
  return named;
}

std::optional<int64_t> parse_step(const std::string& text) {
  int64_t step = 0;
  const char* end = text.data() + text.size();
  const std::from_chars_result result = std::from_chars(text.data(), end, step);
  return result.ec == std::errc() && result.ptr == end && step >= 0 ? std::optional<int64_t>(step)
                                                                    : std::nullopt;
}

std::string steps_hint(const fs::path& run) {
  constexpr size_t kMost = 12;
  std::vector<std::string> steps;
  for (const fs::path& folder : list_checkpoints(run)) {
    steps.push_back(std::to_string(checkpoint_step(folder)));
  }
  if (steps.empty()) {
    return fmt::format("train it: brt train --config FILE --run {}", run.string());
  }
  const bool is_cut = steps.size() > kMost;
  if (is_cut) {
    steps.erase(steps.begin(), steps.end() - kMost);
  }
  return fmt::format("there are checkpoints of steps {}{}", is_cut ? "..., " : "",
                     fmt::join(steps, ", "));
}

fs::path checkpoint_of_step(const fs::path& run, int64_t step, const std::string& asked) {
  const fs::path folder = run / "checkpoints" / checkpoint_name(step);
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    throw CheckpointError(
        fmt::format("{}: {}has no checkpoint of step {}", run.string(), asked, step),
        steps_hint(run));
  }
  const CheckpointFinding finding = examine_checkpoint(folder);
  if (finding.condition != CheckpointCondition::kSound) {
    refuse_checkpoint(folder, finding);
  }
  return folder;
}

fs::path best_checkpoint(const fs::path& run, const fs::path& newest) {
  const std::optional<int64_t> step = best_step(newest);
  if (!step) {
    throw CheckpointError(
        fmt::format("{}: no checkpoint is the best: none was evaluated", run.string()),
        steps_hint(run));
  }
  return checkpoint_of_step(
      run, *step, fmt::format("step {} had the lowest validation loss, but the run ", *step));
}

}  // namespace

std::optional<int64_t> best_step(const fs::path& folder) {
  std::error_code error;
  const fs::path state = folder / "trainer.json";
  if (!fs::is_regular_file(state, error)) {
    return std::nullopt;
  }
  const std::optional<nlohmann::json> json = try_bounded_json<nlohmann::json>(read_file(state));
  const nlohmann::json::json_pointer place("/loop/best/step");
  if (!json || !json->contains(place) || !json->at(place).is_number_integer()) {
    return std::nullopt;
  }
  return json->at(place).get<int64_t>();
}

std::optional<fs::path> find_named_checkpoint(const fs::path& path,
                                              const CheckpointWarning& on_warning) {
  const std::optional<NamedPath> named = split_name(path);
  if (!named) {
    return std::nullopt;
  }
  if (named->name == "latest" || named->name == "best") {
    std::vector<DamagedCheckpoint> damaged;
    const std::optional<fs::path> newest = newest_checkpoint(named->run, &damaged);
    if (!newest) {
      throw CheckpointError(fmt::format("{}: has no sound checkpoint", named->run.string()),
                            steps_hint(named->run));
    }
    warn_of_damage(damaged, *newest, on_warning);
    return named->name == "latest" ? *newest : best_checkpoint(named->run, *newest);
  }
  if (const std::optional<int64_t> step = parse_step(named->name)) {
    return checkpoint_of_step(named->run, *step, "");
  }
  throw CheckpointError(fmt::format("{}: \"{}\" names no checkpoint", path.string(), named->name),
                        "RUN@best, RUN@latest or RUN@STEP; " + steps_hint(named->run));
}

std::string better_checkpoint_note(const fs::path& given, const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(given / "checkpoints", error)) {
    return "";  // a model, a checkpoint, or one that was named
  }
  const std::optional<int64_t> best = best_step(folder);
  const int64_t step = checkpoint_step(folder);
  if (!best || *best == step ||
      !fs::is_directory(given / "checkpoints" / checkpoint_name(*best), error)) {
    return "";
  }
  return fmt::format(
      "{0}: step {1}, the newest checkpoint, is taken; step {2} had a lower validation loss: give "
      "{0}@best for that",
      given.string(), step, *best);
}

}  // namespace brt
