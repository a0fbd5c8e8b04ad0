// SPDX-License-Identifier: Apache-2.0
// Archives as streams of members, through libarchive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/byte_stream.h"

struct archive;

namespace brt {

struct ArchiveMember {
  enum class Kind {
    kFile,
    kHardLink,  ///< another name of a file that stands before it
    kOther,     ///< symbolic links, devices and the like
  };
  std::string name;
  Kind kind = Kind::kFile;
  std::string target;  ///< of a hard link
};

/// Goes through the members of an archive one after another, folders apart, in memory that does not
/// grow.
class ArchiveReader {
 public:
  /// A tar archive, not compressed; archives joined end to end are read as one.
  /// @param file  its name for messages
  ArchiveReader(std::unique_ptr<ByteStream> tar, const std::string& file);
  /// A zip or 7z archive, whose list of members stands at its end.
  /// @throws DataError if the file cannot be opened.
  explicit ArchiveReader(const std::filesystem::path& path);
  ~ArchiveReader();
  ArchiveReader(const ArchiveReader&) = delete;
  ArchiveReader& operator=(const ArchiveReader&) = delete;

  /// Goes to the next member, or returns nothing at the end; all of a tar's stream has been read
  /// then. @throws DataError with the archive's name and libarchive's reason, or what the stream
  /// throws; also from read().
  std::optional<ArchiveMember> next_member();
  /// Reads up to `size` bytes of the member; 0 at its end.
  size_t read(char* buffer, size_t size);
  /// Bytes of the file on disk consumed so far.
  uint64_t input_bytes_read() const;
  /// At the end of a tar: whether the zeros are missing that mark it, so that it may be cut short.
  bool lacks_end_mark() const;

 private:
  struct Free {
    void operator()(archive* handle) const;
  };
  struct StreamInput;

  std::string file_;
  const char* what_;
  std::unique_ptr<StreamInput> input_;  ///< of a tar
  std::unique_ptr<archive, Free> handle_;
  uint64_t file_bytes_ = 0;  ///< of a zip or 7z

  [[noreturn]] void fail() const;
};

}  // namespace brt
