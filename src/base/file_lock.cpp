// SPDX-License-Identifier: Apache-2.0
// flock on the folder and on a file in it.
#include "base/file_lock.h"

#include <cerrno>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file_errors.h"

namespace brt {
namespace {

namespace fs = std::filesystem;

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

int open_folder(const fs::path& folder) {
  return retried([&] { return ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
}

/// The file's first bytes; more than a process number has is enough to know it as another's.
std::string start_of(int descriptor) {
  char bytes[32] = {};
  const ssize_t got = retried([&] { return ::pread(descriptor, bytes, sizeof(bytes), 0); });
  return {bytes, got > 0 ? static_cast<size_t>(got) : 0};
}

bool is_process_number(const std::string& text) {
  return text.size() < 12 && text.find_first_not_of("0123456789\n") == std::string::npos;
}

[[noreturn]] void fail_in_use(const fs::path& path) {
  const Descriptor file(retried(
      [&] { return ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC); }));
  const std::string owner = file.is_open() ? start_of(file.get()) : "";
  throw Error(
      fmt::format(
          "{}: in use by another process{}", path.parent_path().string(),
          !owner.empty() && is_process_number(owner) ? fmt::format(" (pid {})", owner) : ""),
      "wait for it to end, or choose another folder");
}

bool leads_to(const fs::path& path, int descriptor) {
  struct stat named = {};
  struct stat held = {};
  return ::lstat(path.c_str(), &named) == 0 && ::fstat(descriptor, &held) == 0 &&
         named.st_dev == held.st_dev && named.st_ino == held.st_ino;
}

}  // namespace

FileLock::FileLock(const fs::path& path) : path_(path) {
  lock_folder();
  while (!lock_file()) {
    file_.reset();  // its last holder has just removed it: the next try makes a new one
  }
  write_owner();
}

void FileLock::lock_folder() {
  folder_ = Descriptor(open_folder(folder_of(path_)));
  if (!folder_.is_open()) {
    return;  // one that may not be listed; the file tells what is wrong, if anything is
  }
  has_folder_lock_ = retried([&] { return ::flock(folder_.get(), LOCK_EX | LOCK_NB); }) == 0;
  if (!has_folder_lock_ && errno == EWOULDBLOCK) {
    fail_in_use(path_);
  }
}

/// False if the path leads to another file by now.
bool FileLock::lock_file() {
  file_ = Descriptor(retried([&] {
    return ::open(path_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
  }));
  struct stat status = {};
  if (!file_.is_open() && errno == ELOOP) {
    throw Error(fmt::format("{}: is a symbolic link, not a lock file", path_.string()),
                "remove the link");
  }
  if (!file_.is_open() || ::fstat(file_.get(), &status) != 0) {
    throw_unwritable(path_, "lock file cannot be opened", errno);
  }
  if (!S_ISREG(status.st_mode) || !is_process_number(start_of(file_.get()))) {
    throw Error(fmt::format("{}: is not a lock file that brt has made", path_.string()),
                "move it away, or choose another folder");
  }
  if (retried([&] { return ::flock(file_.get(), LOCK_EX | LOCK_NB); }) != 0) {
    if (errno == EWOULDBLOCK) {
      fail_in_use(path_);
    }
    if (!has_folder_lock_) {
      throw_unwritable(path_, "cannot be locked", errno);
    }
  }
  return leads_to(path_, file_.get());
}

/// Who holds it is only told to others; a full disk does not matter here.
void FileLock::write_owner() const {
  const std::string self = std::to_string(::getpid());
  if (retried([&] { return ::ftruncate(file_.get(), 0); }) == 0) {
    [[maybe_unused]] const ssize_t written =
        retried([&] { return ::pwrite(file_.get(), self.data(), self.size(), 0); });
  }
}

bool FileLock::is_folder_in_place() const {
  struct stat named = {};
  struct stat held = {};
  // Through a link: the folder may be given as one.
  return ::stat(folder_of(path_).c_str(), &named) == 0 && ::fstat(folder_.get(), &held) == 0 &&
         named.st_dev == held.st_dev && named.st_ino == held.st_ino;
}

bool FileLock::holds_folder() const { return has_folder_lock_ && is_folder_in_place(); }

void FileLock::check_held() const {
  if (folder_.is_open() && !is_folder_in_place()) {
    throw Error(
        fmt::format("{}: the folder was removed or replaced while this process worked in it",
                    folder_of(path_).string()),
        "put it back, or start in another folder");
  }
  if (!leads_to(path_, file_.get())) {
    throw Error(fmt::format("{}: the lock file was removed or replaced while this process held it",
                            path_.string()),
                "leave this file alone; run the command again");
  }
}

}  // namespace brt
