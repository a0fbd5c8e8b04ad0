// SPDX-License-Identifier: Apache-2.0
// The C library's functions for files, over system calls, with a plan of what goes wrong. In lists,
// "open" is for reading and "create" for writing; functions of one kind have one name.
#include "faults/file_faults.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "faults/unflushed_changes.h"

namespace brt {
namespace {

struct Faults {
  FaultPlan plan;
  int64_t calls = 0;
  bool has_interrupted = false;  ///< the call before this one
  UnflushedChanges changes;
  std::recursive_mutex mutex;

  explicit Faults(FaultPlan wanted) : plan(std::move(wanted)), changes(plan.root, plan.graveyard) {}
  bool tracks_changes() const { return plan.kind == FaultKind::kPowerCut; }
};

Faults* active = nullptr;    // never deleted: calls go on until the process ends
thread_local int depth = 0;  // above 0: a call of our own

/// Marks calls that our own bookkeeping makes.
class Inside {
 public:
  Inside() { ++depth; }
  ~Inside() { --depth; }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;
};

/// The path behind a descriptor, also of a file without a name; empty if it is none.
std::string path_of(int descriptor) {
  char link[64];
  char target[4096];
  std::snprintf(link, sizeof(link), "/proc/self/fd/%d", descriptor);
  const long size = ::syscall(SYS_readlinkat, AT_FDCWD, link, target, sizeof(target));
  return size > 0 ? std::string(target, static_cast<size_t>(size)) : "";
}

std::string absolute(int folder, const char* path) {
  if (path == nullptr) {
    return "";
  }
  if (path[0] == '/') {
    return path;
  }
  char here[4096];
  const std::string base = folder == AT_FDCWD
                               ? (::syscall(SYS_getcwd, here, sizeof(here)) > 0 ? here : "")
                               : path_of(folder);
  return std::strcmp(path, ".") == 0 ? base : base + "/" + path;
}

bool is_meant(const std::string& path) {
  return path.size() > active->plan.root.size() && path.starts_with(active->plan.root + "/");
}

[[noreturn]] void die() {
  if (active->tracks_changes()) {
    active->changes.undo();
  }
  ::syscall(SYS_kill, ::getpid(), SIGKILL);
  while (true) {
    ::pause();
  }
}

/// What happens to a call. `half` is for a write or read that is cut, or killed on its way.
enum class Verdict { kPass, kFail, kHalf, kHalfThenDie };

bool may_be_interrupted(const std::string& name) {
  return name == "open" || name == "create" || name == "read" || name == "write" ||
         name == "fsync" || name == "flock" || name == "ftruncate";
}

Verdict judge_interrupt(Faults& faults, const std::string& name) {
  if (!may_be_interrupted(name) || faults.has_interrupted) {
    faults.has_interrupted = false;
    return Verdict::kPass;
  }
  faults.has_interrupted = true;
  errno = EINTR;
  return Verdict::kFail;
}

Verdict judge(const char* call, const std::string& path) {
  Faults& faults = *active;
  const std::string name = call;
  ++faults.calls;
  if (faults.plan.list >= 0) {
    const std::string line = name + " " + path.substr(faults.plan.root.size()) + "\n";
    ::syscall(SYS_write, faults.plan.list, line.data(), line.size());
  }
  if (faults.plan.at != 0 && faults.calls != faults.plan.at) {
    return Verdict::kPass;
  }
  const bool moves_bytes = name == "read" || name == "write";
  switch (faults.plan.kind) {
    case FaultKind::kNone:
      return Verdict::kPass;
    case FaultKind::kKill:
    case FaultKind::kPowerCut:
      if (name == "write") {
        return Verdict::kHalfThenDie;
      }
      die();
    case FaultKind::kError:
      errno = faults.plan.error;
      return Verdict::kFail;
    case FaultKind::kShort:
      return moves_bytes ? Verdict::kHalf : Verdict::kPass;
    case FaultKind::kInterrupt:
      return judge_interrupt(faults, name);
  }
  return Verdict::kPass;
}

/// Runs `act` under the plan; -1 with errno if the plan says so.
template <class Act>
auto planned(const char* name, const std::string& path, const Act& act) -> decltype(act()) {
  return judge(name, path) == Verdict::kFail ? static_cast<decltype(act())>(-1) : act();
}

bool is_watched() { return active != nullptr && depth == 0; }

bool exists(int folder, const char* path) {
  struct stat status = {};
  return ::fstatat(folder, path, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

int plain_open(int folder, const char* path, int flags, mode_t mode) {
  return static_cast<int>(::syscall(SYS_openat, folder, path, flags, mode));
}

int open_call(int folder, const char* path, int flags, mode_t mode) {
  if (!is_watched()) {
    return plain_open(folder, path, flags, mode);
  }
  const Inside inside;
  const std::lock_guard<std::recursive_mutex> lock(active->mutex);
  const std::string whole = absolute(folder, path);
  const bool is_unnamed = (flags & O_TMPFILE) == O_TMPFILE;
  if (!is_meant(whole) && !(is_unnamed && whole == active->plan.root)) {
    return plain_open(folder, path, flags, mode);
  }
  if (is_unnamed && !active->plan.has_unnamed_files) {
    errno = EOPNOTSUPP;
    return -1;
  }
  const bool writes = (flags & O_ACCMODE) != O_RDONLY;
  return planned(writes ? "create" : "open", whole, [&] {
    const bool is_new = (flags & O_CREAT) != 0 && !is_unnamed && !exists(folder, path);
    const int descriptor = plain_open(folder, path, flags, mode);
    if (descriptor >= 0 && active->tracks_changes()) {
      active->changes.opened(descriptor, whole, is_new, (flags & O_TRUNC) != 0);
    }
    return descriptor;
  });
}

mode_t mode_argument(int flags, va_list arguments) {
  const bool has_mode = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
  return has_mode ? static_cast<mode_t>(va_arg(arguments, int)) : 0;
}

/// A read or write of `size` bytes through a descriptor; `act` moves as many as it is told.
template <class Act>
ssize_t transfer(const char* name, int descriptor, size_t size, const Act& act) {
  if (!is_watched()) {
    return act(size);
  }
  const Inside inside;
  const std::lock_guard<std::recursive_mutex> lock(active->mutex);
  const std::string path = path_of(descriptor);
  if (!is_meant(path)) {
    return act(size);
  }
  switch (judge(name, path)) {
    case Verdict::kFail:
      return -1;
    case Verdict::kHalf:
      return act(size > 1 ? size / 2 : size);
    case Verdict::kHalfThenDie:
      act(size / 2);
      die();
    case Verdict::kPass:
      break;
  }
  return act(size);
}

/// A call on an open file or folder.
template <class Act>
int on_descriptor(const char* name, int descriptor, const Act& act) {
  if (!is_watched()) {
    return act();
  }
  const Inside inside;
  const std::lock_guard<std::recursive_mutex> lock(active->mutex);
  const std::string path = path_of(descriptor);
  // A flush of the watched folder itself is meant too.
  if (!is_meant(path) && path != active->plan.root) {
    return act();
  }
  return planned(name, path, act);
}

/// A call on names.
template <class Act>
int on_path(const char* name, const std::string& path, const Act& act) {
  return is_meant(path) ? planned(name, path, act) : act();
}

/// A flush below the watched folder is only noted: what a kill leaves does not depend on the disk,
/// so the disk is spared.
int flush_call(int descriptor) {
  if (!is_watched()) {
    return static_cast<int>(::syscall(SYS_fsync, descriptor));
  }
  const Inside inside;
  const std::lock_guard<std::recursive_mutex> lock(active->mutex);
  const std::string path = path_of(descriptor);
  if (!is_meant(path) && path != active->plan.root) {
    return static_cast<int>(::syscall(SYS_fsync, descriptor));
  }
  return planned("fsync", path, [&] {
    if (active->tracks_changes()) {
      active->changes.flushed(descriptor, path);
    }
    return 0;
  });
}

int rename_call(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  const auto act = [&] {
    return static_cast<int>(::syscall(SYS_renameat2, from_folder, from, to_folder, to, flags));
  };
  if (!is_watched()) {
    return act();
  }
  const Inside inside;
  const std::lock_guard<std::recursive_mutex> lock(active->mutex);
  const std::string source = absolute(from_folder, from);
  const std::string target = absolute(to_folder, to);
  return on_path("rename", target, [&] {
    if (!active->tracks_changes()) {
      return act();
    }
    return active->changes.renamed(source, target, (flags & RENAME_EXCHANGE) != 0, act);
  });
}

int link_call(int from_folder, const char* from, int to_folder, const char* to, int flags) {
  const auto act = [&] {
    return static_cast<int>(::syscall(SYS_linkat, from_folder, from, to_folder, to, flags));
  };
  if (!is_watched()) {
    return act();
  }
  const Inside inside;
  const std::lock_guard<std::recursive_mutex> lock(active->mutex);
  const std::string target = absolute(to_folder, to);
  return on_path("link", target, [&] {
    const int result = act();
    if (result == 0 && active->tracks_changes()) {
      active->changes.made_name(target);
    }
    return result;
  });
}

int unlink_call(int folder, const char* path, int flags) {
  const auto act = [&] { return static_cast<int>(::syscall(SYS_unlinkat, folder, path, flags)); };
  if (!is_watched()) {
    return act();
  }
  const Inside inside;
  const std::lock_guard<std::recursive_mutex> lock(active->mutex);
  const std::string whole = absolute(folder, path);
  const bool is_folder = (flags & AT_REMOVEDIR) != 0;
  return on_path(is_folder ? "rmdir" : "unlink", whole, [&] {
    return active->tracks_changes() ? active->changes.removed(whole, is_folder, act) : act();
  });
}

int mkdir_call(int folder, const char* path, mode_t mode) {
  const auto act = [&] { return static_cast<int>(::syscall(SYS_mkdirat, folder, path, mode)); };
  if (!is_watched()) {
    return act();
  }
  const Inside inside;
  const std::lock_guard<std::recursive_mutex> lock(active->mutex);
  const std::string whole = absolute(folder, path);
  return on_path("mkdir", whole, [&] {
    const int result = act();
    if (result == 0 && active->tracks_changes()) {
      active->changes.made_folder(whole);
    }
    return result;
  });
}

int close_call(int descriptor) {
  const auto act = [&] { return static_cast<int>(::syscall(SYS_close, descriptor)); };
  if (!is_watched()) {
    return act();
  }
  const Inside inside;
  const std::lock_guard<std::recursive_mutex> lock(active->mutex);
  const std::string path = path_of(descriptor);
  if (!is_meant(path)) {
    return act();
  }
  const Verdict verdict = judge("close", path);
  const int reason = errno;
  const int result = act();  // Linux frees the number whatever it reports
  errno = reason;
  return verdict == Verdict::kFail ? -1 : result;
}

FILE* fopen_call(const char* path, const char* mode) {
  using Function = FILE* (*)(const char*, const char*);
  static const Function next = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "fopen"));
  if (!is_watched()) {
    return next(path, mode);
  }
  const Inside inside;
  const std::lock_guard<std::recursive_mutex> lock(active->mutex);
  const std::string whole = absolute(AT_FDCWD, path);
  if (!is_meant(whole)) {
    return next(path, mode);
  }
  if (judge(mode[0] == 'r' ? "open" : "create", whole) == Verdict::kFail) {
    return nullptr;
  }
  const bool is_new = mode[0] != 'r' && !exists(AT_FDCWD, path);
  FILE* file = next(path, mode);
  if (file != nullptr && active->tracks_changes()) {
    active->changes.opened(::fileno(file), whole, is_new, mode[0] == 'w');
  }
  return file;
}

}  // namespace

void start_file_faults(const FaultPlan& plan) {
  const Inside inside;
  active = new Faults(plan);
}

void end_file_faults() {
  if (active != nullptr && active->tracks_changes()) {
    const Inside inside;
    die();
  }
}

}  // namespace brt

// The C library's names.
#pragma GCC diagnostic ignored "-Wmissing-declarations"
extern "C" {

using brt::close_call;
using brt::link_call;
using brt::mkdir_call;
using brt::rename_call;
using brt::transfer;
using brt::unlink_call;

#define BRT_OPEN_WITH_MODE(folder)                          \
  va_list arguments;                                        \
  va_start(arguments, flags);                               \
  const mode_t mode = brt::mode_argument(flags, arguments); \
  va_end(arguments);                                        \
  return brt::open_call(folder, path, flags, mode)

int open(const char* path, int flags, ...) { BRT_OPEN_WITH_MODE(AT_FDCWD); }
int open64(const char* path, int flags, ...) { BRT_OPEN_WITH_MODE(AT_FDCWD); }
int openat(int folder, const char* path, int flags, ...) { BRT_OPEN_WITH_MODE(folder); }
int openat64(int folder, const char* path, int flags, ...) { BRT_OPEN_WITH_MODE(folder); }
FILE* fopen(const char* path, const char* mode) { return brt::fopen_call(path, mode); }
FILE* fopen64(const char* path, const char* mode) { return brt::fopen_call(path, mode); }
int close(int descriptor) { return close_call(descriptor); }

ssize_t read(int descriptor, void* data, size_t size) {
  return transfer("read", descriptor, size, [&](size_t most) {
    return static_cast<ssize_t>(::syscall(SYS_read, descriptor, data, most));
  });
}
ssize_t pread(int descriptor, void* data, size_t size, off_t place) {
  return transfer("read", descriptor, size, [&](size_t most) {
    return static_cast<ssize_t>(::syscall(SYS_pread64, descriptor, data, most, place));
  });
}
ssize_t pread64(int descriptor, void* data, size_t size, off64_t place) {
  return pread(descriptor, data, size, place);
}
ssize_t write(int descriptor, const void* data, size_t size) {
  return transfer("write", descriptor, size, [&](size_t most) {
    return static_cast<ssize_t>(::syscall(SYS_write, descriptor, data, most));
  });
}
ssize_t pwrite(int descriptor, const void* data, size_t size, off_t place) {
  return transfer("write", descriptor, size, [&](size_t most) {
    return static_cast<ssize_t>(::syscall(SYS_pwrite64, descriptor, data, most, place));
  });
}
ssize_t pwrite64(int descriptor, const void* data, size_t size, off64_t place) {
  return pwrite(descriptor, data, size, place);
}
ssize_t writev(int descriptor, const iovec* parts, int count) {
  size_t size = 0;
  for (int i = 0; i < count; ++i) {
    size += parts[i].iov_len;
  }
  return transfer("write", descriptor, size, [&](size_t most) -> ssize_t {
    if (most == size) {
      return static_cast<ssize_t>(::syscall(SYS_writev, descriptor, parts, count));
    }
    return static_cast<ssize_t>(
        ::syscall(SYS_write, descriptor, parts[0].iov_base, std::min(most, parts[0].iov_len)));
  });
}

int fsync(int descriptor) { return brt::flush_call(descriptor); }
int fdatasync(int descriptor) { return brt::flush_call(descriptor); }
int flock(int descriptor, int operation) {
  return brt::on_descriptor("flock", descriptor, [&] {
    return static_cast<int>(::syscall(SYS_flock, descriptor, operation));
  });
}
int ftruncate(int descriptor, off_t size) noexcept {
  return brt::on_descriptor("ftruncate", descriptor, [&] {
    return static_cast<int>(::syscall(SYS_ftruncate, descriptor, size));
  });
}
int ftruncate64(int descriptor, off64_t size) noexcept { return ftruncate(descriptor, size); }

int rename(const char* from, const char* to) noexcept {
  return rename_call(AT_FDCWD, from, AT_FDCWD, to, 0);
}
int renameat(int from_folder, const char* from, int to_folder, const char* to) noexcept {
  return rename_call(from_folder, from, to_folder, to, 0);
}
int renameat2(
    int from_folder, const char* from, int to_folder, const char* to, unsigned flags) noexcept {
  return rename_call(from_folder, from, to_folder, to, flags);
}
int link(const char* from, const char* to) noexcept {
  return link_call(AT_FDCWD, from, AT_FDCWD, to, 0);
}
int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) noexcept {
  return link_call(from_folder, from, to_folder, to, flags);
}
int unlink(const char* path) noexcept { return unlink_call(AT_FDCWD, path, 0); }
int unlinkat(int folder, const char* path, int flags) noexcept {
  return unlink_call(folder, path, flags);
}
int rmdir(const char* path) noexcept { return unlink_call(AT_FDCWD, path, AT_REMOVEDIR); }
int remove(const char* path) noexcept {
  const int result = unlink(path);
  return result != 0 && errno == EISDIR ? rmdir(path) : result;
}
int mkdir(const char* path, mode_t mode) noexcept { return mkdir_call(AT_FDCWD, path, mode); }
int mkdirat(int folder, const char* path, mode_t mode) noexcept {
  return mkdir_call(folder, path, mode);
}

}  // extern "C"
