// SPDX-License-Identifier: Apache-2.0
// JSON from files that anyone may have written.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace brt {

/// Lists and objects within each other, of which our files have four at most. Copying and printing
/// a value recurses, so that a file of some 100,000 brackets would take all of the stack.
inline constexpr int kMostJsonDepth = 64;

/// A parsed text. @throws DataError if it is nested too deeply, what the JSON reader throws if it
/// is no JSON; neither names the file.
template <class Json>
Json parse_bounded_json(std::string_view text) {
  return Json::parse(text, [](int depth, nlohmann::json::parse_event_t /*event*/, Json&) {
    if (depth > kMostJsonDepth) {
      throw DataError("the JSON is nested more than " + std::to_string(kMostJsonDepth) + " deep");
    }
    return true;
  });
}

}  // namespace brt
