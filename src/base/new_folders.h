// SPDX-License-Identifier: Apache-2.0
// Folders made for an output, which can be taken back while nothing lies in them.
#pragma once

#include <filesystem>
#include <vector>

namespace brt {

/// Makes a folder and those above it that are missing, and remembers which were.
class NewFolders {
 public:
  /// @throws Error if the folder cannot be made or a file is in its place; what had been made for
  /// it is removed before.
  explicit NewFolders(const std::filesystem::path& path);

  bool empty() const { return made_.empty(); }
  /// Removes the made folders, innermost first, as long as they are empty. Does not throw.
  void remove_empty() noexcept;

 private:
  std::vector<std::filesystem::path> made_;  ///< innermost last
};

}  // namespace brt
