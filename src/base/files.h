// SPDX-License-Identifier: Apache-2.0
// Files: whole reads, writes that appear whole or not at all, memory maps, locks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace brt {

/// The whole file as bytes. @throws DataError with path and the system's reason.
std::string read_file(const std::filesystem::path& path);

/// A file that is written under a temporary name beside `path`, flushed to disk and renamed by
/// commit(); without commit() nothing remains. @throws Error with the system's reason (disk full
/// included) from write() and commit().
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, size_t size);
  void write(std::string_view bytes) { write(bytes.data(), bytes.size()); }
  uint64_t bytes_written() const { return bytes_written_; }
  void commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_path_;
  std::string buffer_;
  uint64_t bytes_written_ = 0;
  int descriptor_ = -1;

  void flush();
};

/// Writes `bytes` to `path` so that it appears whole or not at all.
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

/// Flushes a folder's entries to disk, after renames in it.
void sync_folder(const std::filesystem::path& folder);

/// A file mapped read-only.
class MappedFile {
 public:
  /// @throws DataError with the system's reason.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::string_view bytes() const { return {data_, size_}; }

 private:
  const char* data_ = nullptr;
  size_t size_ = 0;
};

/// An exclusive lock on a file, held until destruction or the end of the process.
class FileLock {
 public:
  /// @throws Error "PATH: in use by another process (pid N)" if it is held elsewhere.
  explicit FileLock(const std::filesystem::path& path);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int descriptor_ = -1;
};

}  // namespace brt
