// SPDX-License-Identifier: Apache-2.0
// Search for stop strings over the borders of parts.
#include "generate/stop_strings.h"

#include <utility>

#include "base/error.h"

namespace brt {

StopStrings::StopStrings(std::vector<std::string> strings) : strings_(std::move(strings)) {
  for (const std::string& string : strings_) {
    if (string.empty()) {
      throw ConfigError("a stop string must not be empty");
    }
  }
}

std::string StopStrings::push(std::string_view text) {
  if (found_) {
    return "";
  }
  held_ += text;
  size_t end = std::string::npos;
  for (const std::string& string : strings_) {
    const size_t place = held_.find(string);
    const bool longer = found_ && place == end && string.size() > found_->size();
    if (place != std::string::npos && (place < end || longer)) {
      end = place;
      found_ = string;
    }
  }
  if (!found_) {
    end = first_possible_start();
  }
  std::string before = held_.substr(0, end);
  held_.erase(0, found_ ? held_.size() : end);
  return before;
}

std::string StopStrings::finish() { return std::exchange(held_, ""); }

/// Where the longest end of the held text begins that is the beginning of a stop string.
size_t StopStrings::first_possible_start() const {
  const std::string_view held = held_;
  for (size_t start = 0; start < held.size(); ++start) {
    for (const std::string& string : strings_) {
      if (string.starts_with(held.substr(start))) {
        return start;
      }
    }
  }
  return held.size();
}

}  // namespace brt
