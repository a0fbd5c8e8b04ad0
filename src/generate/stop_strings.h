// SPDX-License-Identifier: Apache-2.0
// Finds the first of several strings in text that arrives in parts.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace brt {

/// Lets text through up to a stop string; text that may be the beginning of one is held back.
class StopStrings {
 public:
  /// @throws ConfigError if one is empty.
  explicit StopStrings(std::vector<std::string> strings);

  /// Adds text; returns what certainly stands before any stop string.
  std::string push(std::string_view text);
  /// What is still held back, at the end of the text.
  std::string finish();
  /// The stop string that was found: the one that begins first, of those the longest.
  const std::optional<std::string>& found() const { return found_; }

 private:
  std::vector<std::string> strings_;
  std::string held_;
  std::optional<std::string> found_;

  size_t first_possible_start() const;
};

}  // namespace brt
