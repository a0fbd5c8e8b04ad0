// SPDX-License-Identifier: Apache-2.0
// What a power cut takes: bytes of files that were not flushed, and names in folders that were not.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace brt {

/// Remembers changes below a folder until they are flushed, to undo those that are not. Bytes go
/// with fsync of their file, names with fsync of their folder; nothing else lasts.
class UnflushedChanges {
 public:
  UnflushedChanges(std::string root, std::string graveyard);

  void opened(int descriptor, const std::string& path, bool is_new, bool is_emptied);
  void made_name(const std::string& path);
  void made_folder(const std::string& path);
  /// `act` makes the change, whose result is returned; what it replaces is kept aside before.
  int renamed(const std::string& from,
              const std::string& to,
              bool is_exchange,
              const std::function<int()>& act);
  int removed(const std::string& path, bool is_folder, const std::function<int()>& act);
  void flushed(int descriptor, const std::string& path);

  void undo();

 private:
  enum class Kind { kName, kFolder, kRename, kExchange, kRemovedFile, kRemovedFolder };
  struct Change {
    Kind kind;
    std::string path;
    std::string from;   ///< of a rename
    std::string grave;  ///< the file that was there before; empty: none
  };

  std::string root_;
  std::string graveyard_;
  int64_t graves_ = 0;
  std::vector<Change> changes_;
  std::map<uint64_t, int64_t> flushed_bytes_;  ///< by inode

  std::string bury(const std::string& path);
  void undo(const Change& change) const;
};

}  // namespace brt
