// SPDX-License-Identifier: Apache-2.0
// POSIX files.
#include "base/files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

namespace brt {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;
constexpr size_t kFirstReadBytes = 4096;  // most files that are read whole are small

std::string system_reason() { return std::strerror(errno); }

/// What to do about a file that cannot be opened for reading.
std::string opening_hint(int reason) {
  switch (reason) {
    case ENOENT:
      return "check the path; a relative one begins at the folder of the command";
    case EACCES:
      return "check the permissions of the file and of the folders above it";
    default:
      return "";
  }
}

/// What to do about a file that cannot be created or written.
std::string writing_hint(int reason) {
  switch (reason) {
    case ENOSPC:
    case EDQUOT:
      return "free some space on that disk and run the command again";
    case EFBIG:
      return "the shell's limit on the size of files is too low (ulimit -f)";
    case ENOENT:
      return "make its folder first";
    case EACCES:
    case EROFS:
      return "choose a folder that you may write to";
    default:
      return "";
  }
}

[[noreturn]] void fail_opening(const std::filesystem::path& path) {
  const int reason = errno;
  throw DataError(fmt::format("{}: cannot be opened: {}", path.string(), std::strerror(reason)),
                  opening_hint(reason));
}

[[noreturn]] void fail_writing(const std::filesystem::path& path, const char* what) {
  const int reason = errno;
  throw Error(fmt::format("{}: {}: {}", path.string(), what, std::strerror(reason)),
              writing_hint(reason));
}

void write_all(int descriptor, const char* data, size_t size, const std::filesystem::path& path) {
  while (size > 0) {
    const ssize_t written = ::write(descriptor, data, size);
    if (written < 0) {
      if (errno == EINTR) {
        continue;
      }
      fail_writing(path, "write failed");
    }
    data += written;
    size -= static_cast<size_t>(written);
  }
}

int open_for_reading(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    fail_opening(path);
  }
  struct stat status = {};
  if (::fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode)) {
    ::close(descriptor);
    throw DataError(fmt::format("{}: is a folder, a file was expected", path.string()));
  }
  return descriptor;
}

}  // namespace

std::string read_file(const std::filesystem::path& path) {
  const int descriptor = open_for_reading(path);
  std::string bytes;
  size_t used = 0;
  ssize_t got = 0;
  do {
    if (used == bytes.size()) {
      bytes.resize(std::max(kFirstReadBytes, 2 * used));
    }
    got = ::read(descriptor, bytes.data() + used, bytes.size() - used);
    if (got > 0) {
      used += static_cast<size_t>(got);
    }
  } while (got > 0 || (got < 0 && errno == EINTR));
  const std::string reason = got < 0 ? system_reason() : "";
  ::close(descriptor);
  if (got < 0) {
    throw DataError(fmt::format("{}: read failed: {}", path.string(), reason));
  }
  bytes.resize(used);
  return bytes;
}

AtomicFile::AtomicFile(const std::filesystem::path& path)
    : path_(path), temporary_path_(fmt::format("{}.partial-{}", path.string(), ::getpid())) {
  descriptor_ = ::open(temporary_path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor_ < 0) {
    fail_writing(path, "cannot be created");
  }
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
    ::unlink(temporary_path_.c_str());
  }
}

void AtomicFile::write(const void* data, size_t size) {
  buffer_.append(static_cast<const char*>(data), size);
  bytes_written_ += size;
  if (buffer_.size() >= kBufferBytes) {
    flush();
  }
}

void AtomicFile::flush() {
  write_all(descriptor_, buffer_.data(), buffer_.size(), path_);
  buffer_.clear();
}

void AtomicFile::commit() {
  flush();
  if (::fsync(descriptor_) != 0) {
    fail_writing(path_, "flush to disk failed");
  }
  ::close(std::exchange(descriptor_, -1));
  if (::rename(temporary_path_.c_str(), path_.c_str()) != 0) {
    const std::string reason = system_reason();
    ::unlink(temporary_path_.c_str());
    throw Error(fmt::format("{}: cannot be put in place: {}", path_.string(), reason));
  }
  sync_folder(path_.has_parent_path() ? path_.parent_path() : ".");
}

void write_file_atomically(const std::filesystem::path& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

void sync_folder(const std::filesystem::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor >= 0) {
    ::fsync(
        descriptor);  // some file systems refuse this for folders; the rename stands all the same
    ::close(descriptor);
  }
}

MappedFile::MappedFile(const std::filesystem::path& path) {
  const int descriptor = open_for_reading(path);
  struct stat status = {};
  if (::fstat(descriptor, &status) != 0) {
    const std::string reason = system_reason();
    ::close(descriptor);
    throw DataError(fmt::format("{}: cannot be examined: {}", path.string(), reason));
  }
  size_ = static_cast<size_t>(status.st_size);
  if (size_ > 0) {
    void* mapped = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (mapped == MAP_FAILED) {
      const std::string reason = system_reason();
      ::close(descriptor);
      throw DataError(fmt::format("{}: cannot be mapped: {}", path.string(), reason));
    }
    data_ = static_cast<const char*>(mapped);
  }
  ::close(descriptor);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) {
    ::munmap(const_cast<char*>(data_), size_);
  }
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

FileLock::FileLock(const std::filesystem::path& path) {
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor_ < 0) {
    throw Error(fmt::format("{}: lock file cannot be opened: {}", path.string(), system_reason()));
  }
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    char owner[32] = {};
    const ssize_t got = ::read(descriptor_, owner, sizeof(owner) - 1);
    ::close(std::exchange(descriptor_, -1));
    throw Error(fmt::format("{}: in use by another process{}", path.parent_path().string(),
                            got > 0 ? fmt::format(" (pid {})", owner) : ""),
                "wait for it to end, or choose another folder");
  }
  // Who holds it is only told to others; a full disk does not matter here.
  const std::string self = std::to_string(::getpid());
  if (::ftruncate(descriptor_, 0) == 0) {
    [[maybe_unused]] const ssize_t written = ::write(descriptor_, self.data(), self.size());
  }
}

FileLock::~FileLock() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
  }
}

}  // namespace brt
