// SPDX-License-Identifier: Apache-2.0
// Checkpoints are filled under a hidden name and renamed: no kill leaves half of one in place.
#include "checkpoint/run_folder.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/error.h"
#include "base/temporaries.h"
#include "checkpoint/checkpoints.h"
#include "checkpoint/run_folder_check.h"

namespace brt {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLockName = "run.lock";
// Hidden names in checkpoints/: being written, being deleted.
constexpr std::string_view kUnfinishedPrefix = ".unfinished-";
constexpr std::string_view kRemovedPrefix = ".removed-";
// Behind an unfinished one's name: the checkpoint that it replaces, for a moment.
constexpr std::string_view kReplacedSuffix = "-old";

void sync_file(const fs::path& path) {
  const Descriptor file(retried([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); }));
  if (!file.is_open() || retried([&] { return ::fsync(file.get()); }) != 0) {
    throw Error(fmt::format("{}: flush to disk failed: {}", path.string(), std::strerror(errno)));
  }
}

/// Flushes every file below a folder, then the folders, then the folder itself.
void sync_tree(const fs::path& folder) {
  for (const fs::path& entry : folder_entries(folder)) {
    if (fs::is_directory(entry)) {
      sync_tree(entry);
    } else if (fs::is_regular_file(entry)) {
      sync_file(entry);
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
  const fs::path aside = fmt::format("{}{}", finished.string(), kReplacedSuffix);
  rename_folder(target, aside);
  rename_folder(finished, target);
  rename_folder(aside, finished);
}

void delete_folder(const fs::path& path) {
  std::error_code error;
  do {
    fs::remove_all(path, error);
  } while (error == std::errc::interrupted);
  if (error) {
    throw Error(fmt::format("{}: cannot be deleted: {}", path.string(), error.message()));
  }
}

/// All get a hidden name first, and the disk knows it before a file goes: neither a kill nor a
/// power cut leaves a checkpoint that looks damaged.
void remove_checkpoints(const std::vector<fs::path>& folders) {
  std::vector<fs::path> removed;
  for (const fs::path& folder : folders) {
    removed.push_back(folder.parent_path() /
                      fmt::format("{}{}", kRemovedPrefix, folder.filename().string()));
    delete_folder(removed.back());
    rename_folder(folder, removed.back());
  }
  if (!removed.empty()) {
    sync_folder(removed.front().parent_path());
  }
  for (const fs::path& folder : removed) {
    delete_folder(folder);
  }
}

/// Whether a name is of our own making: ".unfinished-step-00000500", also with "-old", or
/// ".removed-step-00000500".
bool is_remains(const std::string& name) {
  for (const std::string_view prefix : {kUnfinishedPrefix, kRemovedPrefix}) {
    if (name.starts_with(prefix)) {
      std::string step = name.substr(prefix.size());
      if (step.ends_with(kReplacedSuffix)) {
        step.resize(step.size() - kReplacedSuffix.size());
      }
      return is_checkpoint_name(step);
    }
  }
  return false;
}

/// A kill between the three renames of put_in_place leaves the checkpoint under this name only.
void restore_replaced(const fs::path& remains) {
  const std::string name = remains.filename().string();
  if (!name.starts_with(kUnfinishedPrefix) || !name.ends_with(kReplacedSuffix)) {
    return;
  }
  const size_t length = name.size() - kUnfinishedPrefix.size() - kReplacedSuffix.size();
  const fs::path target = remains.parent_path() / name.substr(kUnfinishedPrefix.size(), length);
  if (!fs::exists(fs::symlink_status(target))) {
    rename_folder(remains, target);
  }
}

/// "latest.partial-1234": an unfinished file as earlier versions called it.
bool is_old_temporary(const fs::path& path) {
  constexpr std::string_view kMark = ".partial-";
  const std::string name = path.filename().string();
  for (const std::string_view file : {"config.toml", "metrics.jsonl", "latest"}) {
    const size_t length = file.size() + kMark.size();
    if (name.starts_with(file) && name.substr(file.size()).starts_with(kMark) &&
        name.size() > length && name.find_first_not_of("0123456789", length) == std::string::npos) {
      std::error_code error;
      return fs::symlink_status(path, error).type() == fs::file_type::regular;
    }
  }
  return false;
}

/// What killed processes left; the caller holds the run's lock, so their makers are dead. What
/// cannot be looked at or deleted stays: it does no harm.
void clear_remains(const fs::path& run) {
  const fs::path parent = run / "checkpoints";
  std::error_code error;
  for (const fs::path& folder : {run, parent}) {
    remove_dead_temporaries(folder);
    if (!fs::is_directory(folder, error)) {
      continue;
    }
    for (const fs::path& path : folder_entries(folder)) {
      if (folder == parent && is_remains(path.filename().string())) {
        restore_replaced(path);
        fs::remove_all(path, error);
      } else if (is_old_temporary(path)) {
        fs::remove(path, error);
      }
    }
  }
}

/// Not those above it: a run whose folder was deleted must not make another in its place.
fs::path create_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directory(folder, error);
  if (error || !fs::is_directory(folder)) {
    throw Error(fmt::format("{}: the folder cannot be made: {}", folder.string(),
                            error ? error.message() : "a file is in its place"));
  }
  return folder;
}

bool is_sound(const CheckpointFinding& finding) {
  return finding.condition == CheckpointCondition::kSound;
}

/// Before anything is made.
fs::path checked(const fs::path& folder) {
  check_run_folder(folder);
  return folder;
}

/// Whether this program knows what it would delete.
bool may_be_deleted(const fs::path& folder) {
  const CheckpointFinding finding = examine_checkpoint(folder);
  return is_sound(finding) || finding.condition == CheckpointCondition::kDamaged;
}

}  // namespace

RunFolder::RunFolder(const fs::path& folder) : folder_(checked(folder)), new_folders_(folder) {
  try {
    lock_.emplace(folder_ / kLockName);
    clear_remains(folder_);
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

fs::path RunFolder::save_checkpoint(int64_t step,
                                    const std::function<WrittenFiles(const fs::path&)>& write) {
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
    write_manifest(unfinished, write(unfinished));
    sync_tree(unfinished);
    put_in_place(unfinished, parent / name);
  } catch (...) {
    fs::remove_all(unfinished, error);
    throw;
  }
  sync_folder(parent);
  sound_steps_.insert(step);
  name_newest(parent / name);
  fs::remove_all(unfinished, error);  // the checkpoint that was replaced, if any
  return parent / name;
}

void RunFolder::name_newest(const fs::path& newest) const {
  const fs::path latest = newest.parent_path() / "latest";
  const std::string line = newest.filename().string() + "\n";
  if (!name_exists(latest) || read_file(latest) != line) {
    write_file_atomically(latest, line);
  }
}

void RunFolder::apply_retention(const RetentionPolicy& policy) {
  std::vector<fs::path> folders = list_checkpoints(folder_);
  std::ranges::reverse(folders);
  std::set<int64_t> kept;
  const size_t num_newest = static_cast<size_t>(std::max<int64_t>(policy.keep_last, 1));
  std::vector<fs::path> unwanted;
  for (const fs::path& folder : folders) {
    const int64_t step = checkpoint_step(folder);
    const bool is_known = sound_steps_.contains(step);
    if (kept.size() < num_newest && (is_known || is_sound(examine_checkpoint(folder)))) {
      kept.insert(step);
      continue;
    }
    const bool is_multiple = policy.keep_every > 0 && step % policy.keep_every == 0;
    if (!is_multiple && policy.best_step != step && (is_known || may_be_deleted(folder))) {
      unwanted.push_back(folder);
    }
  }
  if (!kept.empty()) {
    remove_checkpoints(unwanted);
  }
}

}  // namespace brt
