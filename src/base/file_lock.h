// SPDX-License-Identifier: Apache-2.0
// One process at a time in a folder.
#pragma once

#include <filesystem>

#include "base/descriptor.h"

namespace brt {

/// An exclusive lock on a folder, held until destruction or the end of the process. It lies on the
/// folder itself and on a file in it that says who holds it: removing or replacing that file lets
/// nobody else in. (File systems that cannot lock folders have the file's lock alone.)
class FileLock {
 public:
  /// @param path  the lock file; made if need be. A link, or a file that is no lock file, is not
  ///              written to. @throws Error "FOLDER: in use by another process (pid N)" if it is
  ///              held elsewhere.
  explicit FileLock(const std::filesystem::path& path);

  /// @throws Error if the folder or the lock file is no longer the one that was locked, so that
  /// another process can be at work under the same name.
  void check_held() const;

  /// Whether the folder is locked itself and still in its place: then nobody else got in, whatever
  /// became of the lock file.
  bool holds_folder() const;

 private:
  std::filesystem::path path_;
  Descriptor folder_;  ///< released last
  Descriptor file_;
  bool has_folder_lock_ = false;

  void lock_folder();
  bool lock_file();
  void write_owner() const;
  bool is_folder_in_place() const;
};

}  // namespace brt
