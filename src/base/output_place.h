// SPDX-License-Identifier: Apache-2.0
// Where an output goes: into a new file, in the place of an old one, or through what is no file.
#pragma once

#include <filesystem>
#include <string>

#include <sys/types.h>

namespace brt {

/// What lies at an output's path, symbolic links followed.
struct OutputPlace {
  enum class Kind {
    kNew,       ///< nothing yet
    kReplaced,  ///< a regular file
    kThrough,   ///< a device, a FIFO, or what this process has open as its output: written as it is
  };
  Kind kind = Kind::kNew;
  std::filesystem::path path;  ///< of the file itself: links lead here
  mode_t mode = 0;             ///< of the file that is replaced
  uid_t owner = 0;
  gid_t group = 0;
  int standard_descriptor = -1;  ///< kThrough: descriptor 0-2 that it is open as; -1: none

  /// The folder of `path`, "." if it has none.
  std::filesystem::path folder() const;
};

/// Looks without writing. A link leads to its target, which need not be there yet.
/// @throws Error with a hint if no output can be at `path`: a folder or a socket is there, its own
/// folder is missing, a file may not be replaced (write-protected, fixed by chattr, a mount point,
/// another user's in a folder with the sticky bit), links lead in a circle, a name is too long.
OutputPlace find_output_place(const std::filesystem::path& path);

/// The longest name that the folder's file system takes, in bytes.
size_t longest_name(const std::filesystem::path& folder);

}  // namespace brt
