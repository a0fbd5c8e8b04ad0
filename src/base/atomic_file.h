// SPDX-License-Identifier: Apache-2.0
// Files that appear whole or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/descriptor.h"
#include "base/hash.h"
#include "base/output_place.h"

namespace brt {

/// Who may read a file that was not there before. A file that is replaced keeps its mode and owner.
enum class NewFileMode {
  kByUmask,  ///< 0666 less the umask, as any program's
  kPrivate,  ///< 0600: what holds private text
};

/// A file that commit() puts in place at once, flushed to disk; without commit() nothing remains,
/// nor after a kill: until then the file has no name, or (where the file system cannot do that) a
/// temporary one that remove_dead_temporaries() takes away. A symbolic link stays, and its target
/// is replaced. What is no regular file (a device, a FIFO) is written through, piece by piece.
/// @throws Error with the system's reason (disk full included) from all but the destructor.
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& path, NewFileMode mode = NewFileMode::kByUmask);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, size_t size);
  void write(std::string_view bytes) { write(bytes.data(), bytes.size()); }
  uint64_t bytes_written() const { return bytes_written_; }
  /// XXH3 of the bytes given to write(): of what was meant, whatever reaches the disk.
  uint64_t checksum() const { return hash_.digest(); }
  void commit();

 private:
  std::filesystem::path path_;  ///< as it was given, for messages
  OutputPlace place_;
  Descriptor folder_;
  Descriptor file_;
  std::string temporary_name_;  ///< in folder_; empty while the file has no name
  std::string buffer_;
  StreamingHash hash_;
  uint64_t bytes_written_ = 0;

  void open_through();
  void open_unfinished(NewFileMode mode);
  bool open_unnamed(mode_t mode);
  void open_named(mode_t mode);
  void flush();
  void keep_owner_and_mode();
  void put_in_place();
  bool link_as(const std::string& name);
  void remove_temporary() noexcept;
};

/// Writes `bytes` to `path` so that it appears whole or not at all. Returns their XXH3.
uint64_t write_file_atomically(const std::filesystem::path& path,
                               std::string_view bytes,
                               NewFileMode mode = NewFileMode::kByUmask);

/// Flushes a folder's entries to disk, after renames in it. A file system that cannot do that for
/// folders is fine. @throws Error if the flush fails.
void sync_folder(const std::filesystem::path& folder);

}  // namespace brt
