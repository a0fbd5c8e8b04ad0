// SPDX-License-Identifier: Apache-2.0
// A file without a name (O_TMPFILE) or with a temporary one, flushed and put in place by its
// folder.
#include "base/atomic_file.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file_errors.h"
#include "base/temporaries.h"

namespace brt {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;
constexpr int kTries = 100;  ///< names that are taken, by chance or by a cleaner at work

void write_all(int descriptor, const char* data, size_t size, const std::filesystem::path& path) {
  while (size > 0) {
    const ssize_t written = retried([&] { return ::write(descriptor, data, size); });
    if (written < 0) {
      throw_unwritable(path, "write failed", errno);
    }
    data += written;
    size -= static_cast<size_t>(written);
  }
}

/// What cannot be flushed is no error: pipes, terminals, folders of some file systems.
bool flush_to_disk(int descriptor) {
  return retried([&] { return ::fsync(descriptor); }) == 0 || errno == EINVAL ||
         errno == EOPNOTSUPP || errno == ENOSYS;
}

std::string link_of(int descriptor) { return fmt::format("/proc/self/fd/{}", descriptor); }

}  // namespace

AtomicFile::AtomicFile(const std::filesystem::path& path, NewFileMode mode)
    : path_(path), place_(find_output_place(path)) {
  if (place_.kind == OutputPlace::Kind::kThrough) {
    open_through();
  } else {
    open_unfinished(mode);
  }
}

AtomicFile::~AtomicFile() { remove_temporary(); }

void AtomicFile::open_through() {
  const int standard = place_.standard_descriptor;
  file_ = Descriptor(retried([&] {
    return standard >= 0 ? ::fcntl(standard, F_DUPFD_CLOEXEC, 3)
                         : ::open(path_.c_str(), O_WRONLY | O_TRUNC | O_NOCTTY | O_CLOEXEC);
  }));
  if (!file_.is_open()) {
    throw_unwritable(path_, "cannot be opened", errno);
  }
}

void AtomicFile::open_unfinished(NewFileMode new_file_mode) {
  folder_ = Descriptor(
      retried([&] { return ::open(place_.folder().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC); }));
  if (!folder_.is_open()) {
    throw_unwritable(path_, "cannot be created", errno);
  }
  // What replaces a file is nobody else's to read until it has that file's mode.
  const bool is_private =
      place_.kind == OutputPlace::Kind::kReplaced || new_file_mode == NewFileMode::kPrivate;
  const mode_t mode = is_private ? 0600 : 0666;
  if (!open_unnamed(mode)) {
    open_named(mode);
  }
}

bool AtomicFile::open_unnamed(mode_t mode) {
  file_ = Descriptor(retried(
      [&] { return ::openat(folder_.get(), ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, mode); }));
  if (!file_.is_open()) {
    return false;  // whatever the reason, the named file will tell it too
  }
  // A name is given through /proc, which not every container has.
  if (::access(link_of(file_.get()).c_str(), F_OK) != 0) {
    file_.reset();
    return false;
  }
  hold_temporary(file_.get());
  return true;
}

void AtomicFile::open_named(mode_t mode) {
  const std::string name = place_.path.filename().string();
  for (int i = 0; i < kTries; ++i) {
    temporary_name_ = temporary_name(name, longest_name(place_.folder()));
    file_ = Descriptor(retried([&] {
      return ::openat(folder_.get(), temporary_name_.c_str(),
                      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    }));
    if (file_.is_open() && hold_temporary(file_.get())) {
      return;
    }
    if (!file_.is_open() && errno != EEXIST) {
      break;
    }
  }
  const int reason = file_.is_open() ? EEXIST : errno;
  temporary_name_.clear();
  throw_unwritable(path_, "cannot be created", reason);
}

void AtomicFile::write(const void* data, size_t size) {
  const char* bytes = static_cast<const char*>(data);
  hash_.update(bytes, size);
  bytes_written_ += size;
  if (size >= kBufferBytes) {
    flush();
    write_all(file_.get(), bytes, size, path_);
    return;
  }
  buffer_.append(bytes, size);
  if (buffer_.size() >= kBufferBytes) {
    flush();
  }
}

void AtomicFile::flush() {
  write_all(file_.get(), buffer_.data(), buffer_.size(), path_);
  buffer_.clear();
}

void AtomicFile::commit() {
  flush();
  if (place_.kind == OutputPlace::Kind::kReplaced) {
    keep_owner_and_mode();
  }
  if (!flush_to_disk(file_.get())) {
    throw_unwritable(path_, "flush to disk failed", errno);
  }
  if (place_.kind != OutputPlace::Kind::kThrough) {
    put_in_place();
    sync_folder(place_.folder());
  }
  file_.reset();
}

/// Another owner is kept where the system allows it (for root, or among one's own groups).
void AtomicFile::keep_owner_and_mode() {
  const mode_t special_bits = S_ISUID | S_ISGID;
  const bool has_owner = ::fchown(file_.get(), place_.owner, place_.group) == 0;
  if (!has_owner && ::fchown(file_.get(), static_cast<uid_t>(-1), place_.group) != 0) {
    place_.mode &= ~static_cast<mode_t>(S_IRWXG);  // meant for another group
  }
  if (::fchmod(file_.get(), has_owner ? place_.mode : place_.mode & ~special_bits) != 0) {
    throw_unwritable(path_, "its mode cannot be kept", errno);
  }
}

/// Gives the unnamed file a name; false if the name is taken.
bool AtomicFile::link_as(const std::string& name) {
  if (retried([&] {
        return ::linkat(AT_FDCWD, link_of(file_.get()).c_str(), folder_.get(), name.c_str(),
                        AT_SYMLINK_FOLLOW);
      }) == 0) {
    return true;
  }
  if (errno != EEXIST) {
    throw_unwritable(path_, "cannot be put in place", errno);
  }
  return false;
}

void AtomicFile::put_in_place() {
  const std::string name = place_.path.filename().string();
  const bool is_unnamed = temporary_name_.empty();
  if (is_unnamed && place_.kind == OutputPlace::Kind::kNew && link_as(name)) {
    return;
  }
  for (int i = 0; is_unnamed && temporary_name_.empty() && i < kTries; ++i) {
    const std::string chosen = temporary_name(name, longest_name(place_.folder()));
    if (link_as(chosen)) {
      temporary_name_ = chosen;
    }
  }
  if (::renameat(folder_.get(), temporary_name_.c_str(), folder_.get(), name.c_str()) != 0) {
    throw_unwritable(path_, "cannot be put in place", errno);
  }
  temporary_name_.clear();
}

void AtomicFile::remove_temporary() noexcept {
  if (!temporary_name_.empty()) {
    ::unlinkat(folder_.get(), temporary_name_.c_str(), 0);
    temporary_name_.clear();
  }
}

uint64_t write_file_atomically(const std::filesystem::path& path,
                               std::string_view bytes,
                               NewFileMode mode) {
  AtomicFile file(path, mode);
  file.write(bytes);
  file.commit();
  return file.checksum();
}

void sync_folder(const std::filesystem::path& folder) {
  const std::filesystem::path named = folder.empty() ? std::filesystem::path(".") : folder;
  const Descriptor descriptor(
      retried([&] { return ::open(named.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (!descriptor.is_open() && errno == EACCES) {
    return;  // a folder that may be written but not listed cannot be flushed
  }
  if (!descriptor.is_open() || !flush_to_disk(descriptor.get())) {
    throw_unwritable(named, "flush of the folder to disk failed", errno);
  }
}

}  // namespace brt
