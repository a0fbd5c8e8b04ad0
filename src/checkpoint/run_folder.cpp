// SPDX-License-Identifier: Apache-2.0
// Checkpoints are filled under a hidden name and renamed: no kill leaves half of one in place.
#include "checkpoint/run_folder.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/error.h"
#include "safetensors/checkpoints.h"

namespace brt {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLockName = "run.lock";
// Hidden names in checkpoints/: being written, being deleted.
constexpr std::string_view kUnfinishedPrefix = ".unfinished-";
constexpr std::string_view kRemovedPrefix = ".removed-";
// What a kill leaves of checkpoints/latest (see AtomicFile).
constexpr std::string_view kPartialLatestPrefix = "latest.partial-";

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
                                                            {"manifest.json", "a checkpoint"}};
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
  const fs::path parent = create_folder(folder_ / "checkpoints");
  sync_folder(folder_);
  const std::string name = checkpoint_name(step);
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
  remove_remains(folder_ / "checkpoints");
}

}  // namespace brt
