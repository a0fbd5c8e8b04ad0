// SPDX-License-Identifier: Apache-2.0
// Tar archives and compressed files as streams, through libarchive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

struct archive;

namespace brt {

/// Goes through the regular files of an archive one after another, in memory that does not grow.
class ArchiveReader {
 public:
  enum class Format {
    kTar,         ///< tar, plain or compressed by gzip or zstd
    kCompressed,  ///< one file compressed by gzip or zstd; it is the only member
  };

  /// @throws DataError if the file cannot be opened or is of another format.
  ArchiveReader(const std::filesystem::path& path, Format format);

  /// Goes to the next regular file and returns its path in the archive, or nothing at the end.
  /// @throws DataError with the archive's path and libarchive's reason, also from read().
  std::optional<std::string> next_member();
  /// Reads up to `size` bytes of the member; 0 at its end.
  size_t read(char* buffer, size_t size);
  /// Bytes of the archive file consumed so far.
  uint64_t input_bytes_read() const;

 private:
  struct Free {
    void operator()(archive* handle) const;
  };

  std::filesystem::path path_;
  Format format_;
  std::unique_ptr<archive, Free> handle_;

  [[noreturn]] void fail() const;
};

}  // namespace brt
