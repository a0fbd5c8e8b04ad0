// SPDX-License-Identifier: Apache-2.0
// Checkpoints are filled under a hidden name and renamed: no kill leaves half of one in place.
#include "checkpoint/run_folder.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <map>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/error.h"
#include "base/hash.h"

namespace brt {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kManifestName = "manifest.json";
constexpr const char* kLockName = "run.lock";
constexpr int64_t kManifestVersion = 1;
constexpr std::string_view kStepPrefix = "step-";
// Hidden names in checkpoints/: being written, being deleted.
constexpr std::string_view kUnfinishedPrefix = ".unfinished-";
constexpr std::string_view kRemovedPrefix = ".removed-";
// What a kill leaves of checkpoints/latest (see AtomicFile).
constexpr std::string_view kPartialLatestPrefix = "latest.partial-";

struct ManifestEntry {
  uint64_t bytes = 0;
  std::string xxh3;
};
using Manifest = std::map<std::string, ManifestEntry>;

fs::path checkpoints_folder(const fs::path& run_folder) { return run_folder / "checkpoints"; }

std::string step_name(int64_t step) { return fmt::format("{}{:08d}", kStepPrefix, step); }

std::optional<int64_t> parse_step_name(const std::string& name) {
  if (!name.starts_with(kStepPrefix)) {
    return std::nullopt;
  }
  const char* begin = name.data() + kStepPrefix.size();
  const char* end = name.data() + name.size();
  int64_t step = 0;
  const std::from_chars_result result = std::from_chars(begin, end, step);
  const bool is_whole = result.ec == std::errc() && result.ptr == end && step >= 0;
  return is_whole && step_name(step) == name ? std::optional<int64_t>(step) : std::nullopt;
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

void sync_file(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool is_synced = descriptor >= 0 && ::fsync(descriptor) == 0;
  const int reason = errno;
  if (descriptor >= 0) {
    ::close(descriptor);
  }
  if (!is_synced) {
    throw Error(fmt::format("{}: flush to disk failed: {}", path.string(), std::strerror(reason)));
  }
}

/// Flushes every file below a folder, then the folders, then the folder itself.
void sync_tree(const fs::path& folder) {
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) {
      sync_file(entry.path());
    } else if (entry.is_directory()) {
      sync_folder(entry.path());
    }
  }
  sync_folder(folder);
}

void rename_folder(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) {
    throw Error(fmt::format("{}: cannot be put in place: {}", to.string(), error.message()));
  }
}

/// Puts `finished` at `target`; a checkpoint that is there already ends at `finished`, in one
/// operation where the file system can exchange two names, else in three.
void put_in_place(const fs::path& finished, const fs::path& target) {
  if (!fs::exists(target)) {
    rename_folder(finished, target);
    return;
  }
  if (::renameat2(AT_FDCWD, finished.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) == 0) {
    return;
  }
  const fs::path aside = finished.string() + "-old";
  rename_folder(target, aside);
  rename_folder(finished, target);
  rename_folder(aside, finished);
}

/// First to a hidden name, so that a kill leaves no checkpoint that looks damaged.
void remove_checkpoint(const fs::path& folder) {
  const fs::path removed =
      folder.parent_path() / fmt::format("{}{}", kRemovedPrefix, folder.filename().string());
  std::error_code error;
  fs::remove_all(removed, error);
  rename_folder(folder, removed);
  fs::remove_all(removed, error);
  if (error) {
    throw Error(fmt::format("{}: cannot be deleted: {}", removed.string(), error.message()));
  }
}

bool is_remains(const std::string& name) {
  return name.starts_with(kUnfinishedPrefix) || name.starts_with(kRemovedPrefix) ||
         name.starts_with(kPartialLatestPrefix);
}

void remove_remains(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> remains;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (is_remains(entry.path().filename().string())) {
      remains.push_back(entry.path());
    }
  }
  for (const fs::path& path : remains) {
    fs::remove_all(path, error);
    if (error) {
      throw Error(fmt::format("{}: cannot be deleted: {}", path.string(), error.message()));
    }
  }
}

fs::path create_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error || !fs::is_directory(folder)) {
    throw Error(fmt::format("{}: the folder cannot be made: {}", folder.string(),
                            error ? error.message() : "a file is in its place"));
  }
  return folder;
}

/// A run would mix its files with what is there.
void check_holds_nothing_else(const fs::path& folder) {
  static const std::map<std::string, std::string> others = {{"dataset.json", "prepared data"},
                                                            {"config.json", "a model"},
                                                            {kManifestName, "a checkpoint"}};
  for (const auto& [name, kind] : others) {
    std::error_code error;
    if (fs::exists(folder / name, error)) {
      throw Error(
          fmt::format("{}: holds {}, so it cannot be the folder of a run", folder.string(), kind),
          "give a new or empty folder");
    }
  }
}

}  // namespace

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
       fs::directory_iterator(checkpoints_folder(run_folder), error)) {
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

RunFolder::RunFolder(const fs::path& folder) : folder_(folder), new_folders_(folder) {
  try {
    check_holds_nothing_else(folder_);
    lock_.emplace(folder_ / kLockName);
  } catch (...) {
    new_folders_.remove_empty();
    throw;
  }
}

RunFolder::~RunFolder() {
  std::error_code ignored;
  fs::directory_iterator entry(folder_, ignored);
  const bool is_unused = !new_folders_.empty() && !ignored && entry != fs::directory_iterator() &&
                         entry->path().filename() == kLockName &&
                         entry.increment(ignored) == fs::directory_iterator();
  if (is_unused) {
    fs::remove(folder_ / kLockName, ignored);
    new_folders_.remove_empty();
  }
}

void RunFolder::save_checkpoint(int64_t step, const std::function<void(const fs::path&)>& write) {
  if (step < 0) {
    throw CheckpointError(fmt::format("{}: a checkpoint's step must not be negative, got {}",
                                      folder_.string(), step));
  }
  const fs::path parent = create_folder(checkpoints_folder(folder_));
  sync_folder(folder_);
  const std::string name = step_name(step);
  const fs::path unfinished = parent / fmt::format("{}{}", kUnfinishedPrefix, name);
  std::error_code error;
  fs::remove_all(unfinished, error);
  try {
    create_folder(unfinished);
    write(unfinished);
    write_manifest(unfinished);
    sync_tree(unfinished);
    put_in_place(unfinished, parent / name);
  } catch (...) {
    fs::remove_all(unfinished, error);
    throw;
  }
  sync_folder(parent);
  sound_steps_.insert(step);
  write_file_atomically(parent / "latest", name + "\n");
  fs::remove_all(unfinished, error);  // the checkpoint that was replaced, if any
}

void RunFolder::apply_retention(const RetentionPolicy& policy) {
  std::vector<fs::path> folders = list_checkpoints(folder_);
  std::ranges::reverse(folders);
  std::set<int64_t> kept;
  const size_t num_newest = static_cast<size_t>(std::max<int64_t>(policy.keep_last, 1));
  for (const fs::path& folder : folders) {
    const int64_t step = checkpoint_step(folder);
    if (kept.size() < num_newest && (sound_steps_.contains(step) || !checkpoint_damage(folder))) {
      kept.insert(step);
    }
  }
  if (!kept.empty()) {
    for (const fs::path& folder : folders) {
      const int64_t step = checkpoint_step(folder);
      const bool is_multiple = policy.keep_every > 0 && step % policy.keep_every == 0;
      if (!kept.contains(step) && !is_multiple && policy.best_step != step) {
        remove_checkpoint(folder);
      }
    }
  }
  remove_remains(checkpoints_folder(folder_));
}

}  // namespace brt
