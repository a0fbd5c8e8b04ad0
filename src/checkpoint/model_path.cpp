// SPDX-License-Identifier: Apache-2.0
// Runs to their newest sound checkpoint; a hint for every path that is neither run nor model.
#include "checkpoint/model_path.h"

#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "checkpoint/checkpoint_name.h"
#include "checkpoint/checkpoints.h"
#include "safetensors/tensor_misfits.h"
#include "safetensors/weight_files.h"

namespace brt {
namespace {

namespace fs = std::filesystem;

constexpr const char* kConfigName = "config.json";
constexpr const char* kTokenizerName = "tokenizer.model";

/// Whether there is something of that name, be it out of reach (permissions, a link that leads
/// nowhere): whoever reads it then says why it cannot be read.
bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::symlink_status(path, error).type() != fs::file_type::not_found;
}

fs::path newest_model_of_run(const fs::path& run_folder, const CheckpointWarning& on_warning) {
  std::vector<DamagedCheckpoint> damaged;
  if (const std::optional<fs::path> newest = newest_checkpoint(run_folder, &damaged)) {
    warn_of_damage(damaged, *newest, on_warning);
    return *newest;
  }
  if (damaged.empty()) {
    throw CheckpointError(
        fmt::format("{}: the run has no checkpoint yet", run_folder.string()),
        fmt::format("train it: brt train --config FILE --run {}", run_folder.string()));
  }
  std::vector<std::string> reasons;
  for (const DamagedCheckpoint& checkpoint : damaged) {
    reasons.push_back(
        fmt::format("{}: {}", checkpoint.folder.filename().string(), checkpoint.reason));
  }
  throw CheckpointError(fmt::format("{}: no checkpoint of the run is sound: {}",
                                    run_folder.string(), listed(reasons)),
                        "restore one from a copy, or train anew in another folder");
}

}  // namespace

void check_manifest(const fs::path& folder) {
  std::vector<std::string> names = {kConfigName, kTokenizerName, kWeightsName, kWeightsIndexName};
  std::error_code error;
  if (!fs::exists(folder / kWeightsName, error) && has_weights(folder)) {
    for (const fs::path& shard : find_weight_files(folder).shards) {
      names.push_back(shard.lexically_relative(folder).generic_string());
    }
  }
  for (const std::string& name : names) {
    const CheckpointFinding finding = examine_checkpoint_file(folder, name);
    if (finding.condition != CheckpointCondition::kSound) {
      refuse_checkpoint(folder, finding);
    }
  }
}

fs::path find_model_folder(const fs::path& path, const CheckpointWarning& on_warning) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::status_known(status)) {
    throw CheckpointError(fmt::format("{}: cannot be read: {}", path.string(), error.message()),
                          "check the permissions of the folders above it");
  }
  if (!fs::exists(status)) {
    if (const std::optional<fs::path> named = find_named_checkpoint(path, on_warning)) {
      return *named;
    }
    throw CheckpointError(fmt::format("{}: does not exist", path.string()),
                          "give a model folder or the folder of a run");
  }
  if (!fs::is_directory(path, error)) {
    throw CheckpointError(fmt::format("{}: is a file, a model folder was expected", path.string()),
                          "give the folder that holds config.json and model.safetensors");
  }
  if (is_there(path / kConfigName)) {
    return path;
  }
  if (is_there(path / "checkpoints") || is_there(path / "config.toml")) {
    return newest_model_of_run(path, on_warning);
  }
  if (fs::exists(path / "dataset.json", error)) {
    throw CheckpointError(
        fmt::format("{}: is prepared data, a model folder was expected", path.string()),
        "give the folder of a run that was trained on it");
  }
  std::string hint = "a model folder holds config.json and model.safetensors";
  if (fs::exists(path / "latest", error)) {
    hint = fmt::format("give the run's folder: {}", path.parent_path().string());
  } else if (has_weights(path)) {
    hint = "there are weights, but the config.json beside them is missing";
  }
  throw CheckpointError(
      fmt::format("{}: is neither a model folder nor the folder of a run", path.string()), hint);
}

}  // namespace brt
