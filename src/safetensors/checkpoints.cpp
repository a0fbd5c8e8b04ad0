// SPDX-License-Identifier: Apache-2.0
// Names and manifests of checkpoints.
#include "safetensors/checkpoints.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <string_view>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"

namespace brt {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kManifestName = "manifest.json";
constexpr int64_t kManifestVersion = 1;
constexpr std::string_view kStepPrefix = "step-";

struct ManifestEntry {
  uint64_t bytes = 0;
  std::string xxh3;
};
using Manifest = std::map<std::string, ManifestEntry>;

std::optional<int64_t> parse_step_name(const std::string& name) {
  if (!name.starts_with(kStepPrefix)) {
    return std::nullopt;
  }
  const char* begin = name.data() + kStepPrefix.size();
  const char* end = name.data() + name.size();
  int64_t step = 0;
  const std::from_chars_result result = std::from_chars(begin, end, step);
  const bool is_whole = result.ec == std::errc() && result.ptr == end && step >= 0;
  return is_whole && checkpoint_name(step) == name ? std::optional<int64_t>(step) : std::nullopt;
}

/// The regular files below a folder but its manifest, by name relative to it.
std::vector<std::string> files_below(const fs::path& folder) {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().lexically_relative(folder).generic_string();
    if (entry.is_regular_file() && name != kManifestName) {
      names.push_back(name);
    }
  }
  std::ranges::sort(names);
  return names;
}

bool lies_inside(const std::string& name) {
  const fs::path path(name);
  return !name.empty() && path.is_relative() && !name.starts_with("..") &&
         path.lexically_normal() == path;
}

/// @throws CheckpointError whose message is the damage, without the file's name.
Manifest parse_manifest(const std::string& text) {
  const json root = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!root.is_object() || !root.contains("files") || !root.at("files").is_object()) {
    throw CheckpointError("manifest.json is damaged");
  }
  if (!root.contains("format_version") || root.at("format_version") != kManifestVersion) {
    throw CheckpointError(
        fmt::format("manifest.json is of another format than version {}", kManifestVersion));
  }
  Manifest manifest;
  for (const auto& [name, file] : root.at("files").items()) {
    const bool is_complete = file.is_object() && file.contains("bytes") &&
                             file.at("bytes").is_number_unsigned() && file.contains("xxh3") &&
                             file.at("xxh3").is_string();
    if (!is_complete || !lies_inside(name)) {
      throw CheckpointError("manifest.json is damaged");
    }
    manifest[name] = {.bytes = file.at("bytes").get<uint64_t>(),
                      .xxh3 = file.at("xxh3").get<std::string>()};
  }
  return manifest;
}

std::optional<std::string> file_damage(const fs::path& folder,
                                       const std::string& name,
                                       const ManifestEntry& entry) {
  std::error_code error;
  const fs::path path = folder / name;
  if (!fs::is_regular_file(path, error)) {
    return fmt::format("{} is missing", name);
  }
  const uint64_t bytes = fs::file_size(path, error);
  if (error) {
    return fmt::format("{} cannot be examined: {}", name, error.message());
  }
  if (bytes != entry.bytes) {
    return fmt::format("{} has {} bytes, the manifest says {}", name, bytes, entry.bytes);
  }
  const std::string xxh3 = hash_text(hash_file(path));
  if (xxh3 != entry.xxh3) {
    return fmt::format("{} has checksum {}, the manifest says {}", name, xxh3, entry.xxh3);
  }
  return std::nullopt;
}

}  // namespace

std::string checkpoint_name(int64_t step) { return fmt::format("{}{:08d}", kStepPrefix, step); }

void write_manifest(const fs::path& folder) {
  json files = json::object();
  for (const std::string& name : files_below(folder)) {
    files[name] = {{"bytes", fs::file_size(folder / name)},
                   {"xxh3", hash_text(hash_file(folder / name))}};
  }
  const json root = {{"format_version", kManifestVersion}, {"files", files}};
  write_file_atomically(folder / kManifestName, root.dump(2) + "\n");
}

std::optional<std::string> checkpoint_damage(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_regular_file(folder / kManifestName, error)) {
    return fmt::format("{} is missing", kManifestName);
  }
  try {
    for (const auto& [name, entry] : parse_manifest(read_file(folder / kManifestName))) {
      if (std::optional<std::string> damage = file_damage(folder, name, entry)) {
        return damage;
      }
    }
  } catch (const Error& problem) {  // unreadable files too: the next older checkpoint may be sound
    return problem.what();
  }
  return std::nullopt;
}

std::optional<std::string> checkpoint_file_damage(const fs::path& folder, const std::string& name) {
  std::error_code error;
  if (!fs::is_regular_file(folder / kManifestName, error)) {
    return std::nullopt;
  }
  try {
    const Manifest manifest = parse_manifest(read_file(folder / kManifestName));
    const Manifest::const_iterator entry = manifest.find(name);
    return entry == manifest.end() ? std::nullopt : file_damage(folder, name, entry->second);
  } catch (const Error& problem) {
    return problem.what();
  }
}

std::vector<fs::path> list_checkpoints(const fs::path& run_folder) {
  std::error_code error;
  std::vector<fs::path> folders;
  for (const fs::directory_entry& entry :
       fs::directory_iterator(run_folder / "checkpoints", error)) {
    if (entry.is_directory(error) && parse_step_name(entry.path().filename().string())) {
      folders.push_back(entry.path());
    }
  }
  std::ranges::sort(folders, {}, checkpoint_step);
  return folders;
}

std::optional<fs::path> newest_checkpoint(const fs::path& run_folder,
                                          std::vector<DamagedCheckpoint>* damaged) {
  std::vector<fs::path> folders = list_checkpoints(run_folder);
  std::ranges::reverse(folders);
  for (const fs::path& folder : folders) {
    const std::optional<std::string> reason = checkpoint_damage(folder);
    if (!reason) {
      return folder;
    }
    if (damaged != nullptr) {
      damaged->push_back({.folder = folder, .reason = *reason});
    }
  }
  return std::nullopt;
}

int64_t checkpoint_step(const fs::path& folder) {
  // A path given with a slash at its end has an empty last part.
  const fs::path named = folder.has_filename() ? folder : folder.parent_path();
  const std::optional<int64_t> step = parse_step_name(named.filename().string());
  if (!step) {
    throw CheckpointError(fmt::format("{}: is not named as a checkpoint is", folder.string()),
                          "checkpoints are folders such as checkpoints/step-00000500");
  }
  return *step;
}

}  // namespace brt
