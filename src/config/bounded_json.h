// SPDX-License-Identifier: Apache-2.0
// JSON from files that anyone may have written: the one way in which it is read.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace brt {

/// Lists and objects within each other, of which our files have four at most. Copying and printing
/// a value recurses, so that a file of some 100,000 brackets would take all of the stack.
inline constexpr int kMostJsonDepth = 64;

/// Of two equal keys of an object a parsed value holds the last one only.
enum class RepeatedKeys { kLastCounts, kRefused };

/// To be asked at every event of a parser. @throws DataError
inline void check_json_depth(int depth, nlohmann::json::parse_event_t event) {
  const bool opens = event == nlohmann::json::parse_event_t::array_start ||
                     event == nlohmann::json::parse_event_t::object_start;
  if (depth + (opens ? 1 : 0) > kMostJsonDepth) {
    throw DataError("JSON nested more than " + std::to_string(kMostJsonDepth) + " deep");
  }
}

/// @throws DataError that names the key, cut where it is long. Always.
template <class Json>
[[noreturn]] void refuse_repeated_key(const Json& key) {
  constexpr size_t kMostBytes = 100;
  const std::string text = key.template get<std::string>();
  const std::string shown =
      Json(text.substr(0, kMostBytes))
          .dump(-1, ' ', /*ensure_ascii=*/true, nlohmann::json::error_handler_t::replace);
  throw DataError("JSON that names " + shown + (text.size() > kMostBytes ? "..." : "") + " twice");
}

/// The keys of the objects that a parser is in.
class OpenJsonKeys {
 public:
  template <class Json>
  void look(nlohmann::json::parse_event_t event, const Json& parsed) {
    if (event == nlohmann::json::parse_event_t::object_start) {
      keys_.emplace_back();
    } else if (event == nlohmann::json::parse_event_t::object_end) {
      keys_.pop_back();
    } else if (event == nlohmann::json::parse_event_t::key &&
               !keys_.back().insert(parsed.template get<std::string>()).second) {
      refuse_repeated_key(parsed);
    }
  }

 private:
  std::vector<std::set<std::string>> keys_;
};

/// A parsed text. @throws DataError whose message names no file and goes on a sentence: "not valid
/// JSON: REASON", "JSON nested more than 64 deep", "JSON that names KEY twice".
template <class Json>
Json parse_bounded_json(std::string_view text, RepeatedKeys repeated = RepeatedKeys::kLastCounts) {
  if (text.find('\0') != std::string_view::npos) {  // the parser would take it for the end
    throw DataError("not valid JSON: there is a zero byte");
  }
  OpenJsonKeys keys;
  const auto look = [&](int depth, nlohmann::json::parse_event_t event, Json& parsed) {
    check_json_depth(depth, event);
    if (repeated == RepeatedKeys::kRefused) {
      keys.look(event, parsed);
    }
    return true;
  };
  try {
    return Json::parse(text, look);
  } catch (const nlohmann::json::exception& error) {
    throw DataError(std::string("not valid JSON: ") + error.what());
  }
}

/// The same where any fault of the text means that there is nothing.
template <class Json>
std::optional<Json> try_bounded_json(std::string_view text) {
  try {
    return parse_bounded_json<Json>(text);
  } catch (const DataError&) {
    return std::nullopt;
  }
}

}  // namespace brt
