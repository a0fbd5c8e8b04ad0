// SPDX-License-Identifier: Apache-2.0
// A journal that is played backwards.
#include "faults/unflushed_changes.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace brt {
namespace {

namespace fs = std::filesystem;

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

std::optional<struct stat> status_of(const std::string& path) {
  struct stat status = {};
  return ::lstat(path.c_str(), &status) == 0 ? std::optional<struct stat>(status) : std::nullopt;
}

void move_prefix(std::string& path, const std::string& from, const std::string& to) {
  if (path.starts_with(from + "/")) {
    path = to + path.substr(from.size());
  }
}

void rename_plainly(const std::string& from, const std::string& to, unsigned flags) {
  ::syscall(SYS_renameat2, AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags);
}

}  // namespace

UnflushedChanges::UnflushedChanges(std::string root, std::string graveyard)
    : root_(std::move(root)), graveyard_(std::move(graveyard)) {}

void UnflushedChanges::opened(int descriptor,
                              const std::string& path,
                              bool is_new,
                              bool is_emptied) {
  struct stat status = {};
  if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    return;
  }
  // What an older file holds counts as flushed; one without a name is new.
  if (is_new || is_emptied || status.st_nlink == 0) {
    flushed_bytes_[status.st_ino] = 0;
  } else {
    flushed_bytes_.try_emplace(status.st_ino, status.st_size);
  }
  if (is_new) {
    made_name(path);
  }
}

void UnflushedChanges::made_name(const std::string& path) {
  changes_.push_back({.kind = Kind::kName, .path = path, .from = {}, .grave = {}});
}

void UnflushedChanges::made_folder(const std::string& path) {
  changes_.push_back({.kind = Kind::kFolder, .path = path, .from = {}, .grave = {}});
}

/// A second name for a file that is about to lose its own; empty if there is none.
std::string UnflushedChanges::bury(const std::string& path) {
  const std::optional<struct stat> status = status_of(path);
  if (!status || S_ISDIR(status->st_mode)) {
    return "";
  }
  const std::string grave = graveyard_ + "/" + std::to_string(graves_++);
  ::syscall(SYS_linkat, AT_FDCWD, path.c_str(), AT_FDCWD, grave.c_str(), 0);
  return grave;
}

int UnflushedChanges::renamed(const std::string& from,
                              const std::string& to,
                              bool is_exchange,
                              const std::function<int()>& act) {
  const std::string grave = is_exchange ? "" : bury(to);
  const int result = act();
  if (result == 0) {
    changes_.push_back({.kind = is_exchange ? Kind::kExchange : Kind::kRename,
                        .path = to,
                        .from = from,
                        .grave = grave});
  }
  return result;
}

int UnflushedChanges::removed(const std::string& path,
                              bool is_folder,
                              const std::function<int()>& act) {
  const std::string grave = is_folder ? "" : bury(path);
  const int result = act();
  if (result == 0) {
    changes_.push_back({.kind = is_folder ? Kind::kRemovedFolder : Kind::kRemovedFile,
                        .path = path,
                        .from = {},
                        .grave = grave});
  }
  return result;
}

void UnflushedChanges::flushed(int descriptor, const std::string& path) {
  struct stat status = {};
  if (::fstat(descriptor, &status) != 0) {
    return;
  }
  if (!S_ISDIR(status.st_mode)) {
    flushed_bytes_[status.st_ino] = status.st_size;
    return;
  }
  for (size_t i = 0; i < changes_.size();) {
    if (folder_of(changes_[i].path) != path) {
      ++i;
      continue;
    }
    const Change done = changes_[i];
    changes_.erase(changes_.begin() + static_cast<std::ptrdiff_t>(i));
    if (done.kind == Kind::kRename) {  // what is open within the folder is so under its new name
      for (size_t earlier = 0; earlier < i; ++earlier) {
        move_prefix(changes_[earlier].path, done.from, done.path);
        move_prefix(changes_[earlier].from, done.from, done.path);
      }
    }
  }
}

void UnflushedChanges::undo(const Change& change) const {
  switch (change.kind) {
    case Kind::kName:
      ::syscall(SYS_unlinkat, AT_FDCWD, change.path.c_str(), 0);
      break;
    case Kind::kFolder: {
      std::error_code ignored;
      fs::remove_all(change.path, ignored);
      break;
    }
    case Kind::kRename:
      rename_plainly(change.path, change.from, 0);
      if (!change.grave.empty()) {
        rename_plainly(change.grave, change.path, 0);
      }
      break;
    case Kind::kExchange:
      rename_plainly(change.path, change.from, RENAME_EXCHANGE);
      break;
    case Kind::kRemovedFile:
      rename_plainly(change.grave, change.path, 0);
      break;
    case Kind::kRemovedFolder:
      ::syscall(SYS_mkdirat, AT_FDCWD, change.path.c_str(), 0755);
      break;
  }
}

void UnflushedChanges::undo() {
  for (size_t i = changes_.size(); i > 0; --i) {
    undo(changes_[i - 1]);
  }
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root_, ignored)) {
    const std::optional<struct stat> status = status_of(entry.path().string());
    const auto found = status ? flushed_bytes_.find(status->st_ino) : flushed_bytes_.end();
    if (found != flushed_bytes_.end() && status->st_size > found->second) {
      ::syscall(SYS_truncate, entry.path().c_str(), found->second);
    }
  }
}

}  // namespace brt
