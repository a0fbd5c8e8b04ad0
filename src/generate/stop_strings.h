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
  /// Goes on after `given_out`, the end of a text that was given out before: it counts for the
  /// search and does not come out again. @throws ConfigError if a string is empty.
  explicit StopStrings(std::vector<std::string> strings, std::string given_out = "");

  /// Adds text; returns what certainly stands before any stop string.
  std::string push(std::string_view text);
  /// The end of the text that may begin a stop string, of which some may have been given out.
  const std::string& held() const { return held_; }
  /// What is still held back, at the end of the text; held() stays.
  std::string finish();
  /// The stop string that was found: the one that begins first, of those the longest.
  const std::optional<std::string>& found() const { return found_; }

 private:
  std::vector<std::string> strings_;
  std::string held_;
  size_t num_given_out_ = 0;  ///< bytes at the front of held_ that came out before
  std::optional<std::string> found_;

  size_t first_possible_start() const;
  std::string take_front(size_t end);
};

}  // namespace brt
