// SPDX-License-Identifier: Apache-2.0
// Names of links, by the index of the member that they lead to.
#include "data/hard_links.h"

#include <string_view>
#include <unordered_map>

namespace brt {
namespace {

/// "./a" and "a" are the same file.
std::string plain_name(std::string_view name) {
  while (name.starts_with("./")) {
    name.remove_prefix(2);
  }
  return std::string(name);
}

}  // namespace

void HardLinks::add(const ArchiveMember& link, int64_t index) {
  gathered_.push_back({link.name, plain_name(link.target), index});
}

std::vector<std::string> HardLinks::resolve(ArchiveReader& again) {
  std::unordered_multimap<std::string, Link*> by_target;
  std::unordered_map<int64_t, const Link*> by_index;
  for (Link& link : gathered_) {
    by_target.emplace(link.target, &link);
    by_index.emplace(link.index, &link);
  }
  int64_t index = 0;
  while (const std::optional<ArchiveMember> member = again.next_member()) {
    int64_t target = member->kind == ArchiveMember::Kind::kFile ? index : -1;
    if (const auto link = by_index.find(index); link != by_index.end()) {
      target = link->second->target_index;
    }
    const auto range = by_target.equal_range(plain_name(member->name));
    for (auto leading = range.first; leading != range.second; ++leading) {
      if (leading->second->index > index) {
        leading->second->target_index = target;
      }
    }
    ++index;
  }
  std::vector<std::string> lost;
  for (const Link& link : gathered_) {
    if (link.target_index < 0) {
      lost.push_back(link.name);
    } else {
      waiting_.emplace(link.target_index, link.name);
    }
  }
  return lost;
}

std::optional<std::string> HardLinks::take(int64_t index) {
  const std::multimap<int64_t, std::string>::iterator found = waiting_.find(index);
  if (found == waiting_.end()) {
    return std::nullopt;
  }
  std::string name = std::move(found->second);
  waiting_.erase(found);
  return name;
}

}  // namespace brt
