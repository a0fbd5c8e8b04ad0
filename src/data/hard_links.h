// SPDX-License-Identifier: Apache-2.0
// Hard links of an archive: further names of members that stand before them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "data/archive_reader.h"

namespace brt {

/// A link has no data, and an archive is read once from front to end: so links are gathered, and
/// the archive is read again for the members that they name.
class HardLinks {
 public:
  /// @param index  the link's index among the members
  void add(const ArchiveMember& link, int64_t index);
  bool none_gathered() const { return gathered_.empty(); }
  int64_t gathered() const { return static_cast<int64_t>(gathered_.size()); }

  /// Finds the member that each gathered link leads to: the last one of that name before the link,
  /// or what that one leads to. Returns the links that lead to none.
  /// @param again  the archive from its beginning
  std::vector<std::string> resolve(ArchiveReader& again);

  /// The name of a link to the member at `index` that has not been taken yet, if there is one.
  std::optional<std::string> take(int64_t index);
  bool all_taken() const { return waiting_.empty(); }
  /// Whether a link leads to a member at `index` or after it.
  bool any_from(int64_t index) const { return waiting_.lower_bound(index) != waiting_.end(); }

 private:
  struct Link {
    std::string name;
    std::string target;
    int64_t index = 0;
    int64_t target_index = -1;
  };

  std::vector<Link> gathered_;
  std::multimap<int64_t, std::string> waiting_;  ///< by the index of the member
};

}  // namespace brt
