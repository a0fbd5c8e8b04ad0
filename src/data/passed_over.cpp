// SPDX-License-Identifier: Apache-2.0
// The counts as a line of text.
#include "data/passed_over.h"

#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace brt {

std::string describe(const PassedOver& passed_over) {
  std::vector<std::string> parts;
  if (passed_over.hidden > 0) {
    parts.push_back(fmt::format("{} hidden", passed_over.hidden));
  }
  if (passed_over.empty > 0) {
    parts.push_back(fmt::format("{} empty", passed_over.empty));
  }
  if (passed_over.binary > 0) {
    std::vector<std::string> kinds;
    for (const std::pair<const std::string, int64_t>& kind : passed_over.binary_kinds) {
      kinds.push_back(fmt::format("{}: {}", kind.second, kind.first));
    }
    parts.push_back(fmt::format("{} not text ({})", passed_over.binary, fmt::join(kinds, ", ")));
  }
  if (passed_over.special > 0) {
    parts.push_back(fmt::format("{} links or devices", passed_over.special));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace brt
