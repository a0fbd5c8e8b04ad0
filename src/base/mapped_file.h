// SPDX-License-Identifier: Apache-2.0
// A file's bytes in memory: mapped if it is large, read if it is small.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

#include "base/descriptor.h"

namespace brt {

/// Files up to this size are read whole, so that nothing which happens to them later matters.
inline constexpr size_t kLargestReadFile = size_t{4} << 20;

/// A file's bytes, read-only.
///
/// Those of a large file are the disk's: if another program writes over the file or cuts it short,
/// the bytes change, and reading past its new end is a SIGBUS (see file_at_address). A file that
/// is replaced, as every program should, or removed stays as it was. check_unchanged() tells.
class MappedFile {
 public:
  /// @throws FileAbsent, FileUnreadable or DataError with the system's reason.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::string_view bytes() const { return {data_, size_}; }
  /// @throws DataError naming the file if its size or its time of change is not that of the
  /// opening. Costs one call of the system; call it after reading what must not be mixed up.
  void check_unchanged() const;

 private:
  struct Times {
    int64_t seconds = 0;
    int64_t nanoseconds = 0;
    bool operator==(const Times&) const = default;
  };

  std::filesystem::path path_;
  Descriptor file_;  ///< open while the file is mapped
  std::unique_ptr<char[]> copy_;
  const char* data_ = nullptr;
  size_t size_ = 0;
  Times modified_;
  int slot_ = -1;  ///< in the table of file_at_address

  void read_whole();
  void map();
  void swap(MappedFile& other) noexcept;
};

/// The name of the mapped file that an address lies in, for a handler of SIGBUS; null if none.
/// Async-signal-safe.
const char* file_at_address(const void* address) noexcept;

}  // namespace brt
