// SPDX-License-Identifier: Apache-2.0
// What the system says when a file cannot be read or written, as exceptions with hints.
#pragma once

#include <filesystem>

#include "base/error.h"

namespace brt {

/// There is no such file or folder. Not damage, and not FileUnreadable.
class FileAbsent : public DataError {
 public:
  using DataError::DataError;
};

/// The file or folder may be whole, but the system does not let it be read: permissions, a failing
/// disk, a folder that may not be listed. what() has the system's reason. Not damage.
class FileUnreadable : public DataError {
 public:
  using DataError::DataError;
};

/// Throws FileAbsent or FileUnreadable "PATH: WHAT: reason", by the system's error number.
[[noreturn]] void throw_unreadable(const std::filesystem::path& path, const char* what, int reason);

/// Throws Error "PATH: WHAT: reason" with the cure where one is known (disk full, permissions).
[[noreturn]] void throw_unwritable(const std::filesystem::path& path, const char* what, int reason);

}  // namespace brt
