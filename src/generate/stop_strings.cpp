// SPDX-License-Identifier: Apache-2.0
// Search for stop strings over the borders of parts.
#include "generate/stop_strings.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace brt {

StopStrings::StopStrings(std::vector<std::string> strings, std::string given_out)
    : strings_(std::move(strings)), held_(std::move(given_out)), num_given_out_(held_.size()) {
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
    const size_t found = held_.find(string);
    const bool longer = found_ && found == end && string.size() > found_->size();
    if (found != std::string::npos && (found < end || longer)) {
      end = found;
      found_ = string;
    }
  }
  if (!found_) {
    end = first_possible_start();
  }
  std::string before = take_front(end);
  if (found_) {
    held_.clear();
    num_given_out_ = 0;
  }
  return before;
}

std::string StopStrings::finish() {
  std::string rest = held_.substr(num_given_out_);
  num_given_out_ = held_.size();
  return rest;
}

/// Removes what stands before `end`; returns what of it has not come out before.
std::string StopStrings::take_front(size_t end) {
  const size_t old = std::min(num_given_out_, end);
  std::string front = held_.substr(old, end - old);
  held_.erase(0, end);
  num_given_out_ -= old;
  return front;
}

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
