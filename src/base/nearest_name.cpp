// SPDX-License-Identifier: Apache-2.0
// Edit distance by dynamic programming over three rows.
#include "base/nearest_name.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>
#include <vector>

namespace brt {
namespace {

constexpr size_t kShortestPart = 3;  // what is shorter begins too many names

/// Insertions, deletions, replacements, and exchanges of neighbours, which are one slip of the
/// hand.
size_t edit_distance(std::string_view from, std::string_view to) {
  std::array<std::vector<size_t>, 3> rows;
  rows.fill(std::vector<size_t>(to.size() + 1));
  auto& [before_last, last, row] = rows;
  std::iota(last.begin(), last.end(), size_t{0});
  for (size_t i = 0; i < from.size(); ++i) {
    row[0] = i + 1;
    for (size_t j = 0; j < to.size(); ++j) {
      const size_t replaced = last[j] + (from[i] == to[j] ? 0 : 1);
      row[j + 1] = std::min({row[j] + 1, last[j + 1] + 1, replaced});
      if (i > 0 && j > 0 && from[i] == to[j - 1] && from[i - 1] == to[j]) {
        row[j + 1] = std::min(row[j + 1], before_last[j - 1] + 1);
      }
    }
    std::swap(before_last, last);
    std::swap(last, row);
  }
  return last.back();
}

/// How many slips a name may hold and still be told: one in three characters.
size_t largest_distance(std::string_view name, std::string_view candidate) {
  const size_t longer = std::max(name.size(), candidate.size());
  return longer < 2 ? 0 : std::max<size_t>(1, longer / 3);
}

bool is_part_of(std::string_view start, std::string_view whole) {
  return start.size() >= kShortestPart && whole.starts_with(start);
}

}  // namespace

std::string nearest_name(std::string_view name, std::span<const std::string> known) {
  const std::string* nearest = nullptr;
  size_t smallest = 0;
  for (const std::string& candidate : known) {
    const size_t longer = std::max(name.size(), candidate.size());
    const size_t shorter = std::min(name.size(), candidate.size());
    const size_t limit = largest_distance(name, candidate);
    if (longer - shorter > limit) {
      continue;  // the distance is at least that, and a name may be very long
    }
    const size_t distance = edit_distance(name, candidate);
    if (distance <= limit && (nearest == nullptr || distance < smallest)) {
      smallest = distance;
      nearest = &candidate;
    }
  }
  for (size_t i = 0; nearest == nullptr && i < known.size(); ++i) {
    if (is_part_of(name, known[i]) || is_part_of(known[i], name)) {
      nearest = &known[i];
    }
  }
  return nearest == nullptr ? "" : *nearest;
}

}  // namespace brt
