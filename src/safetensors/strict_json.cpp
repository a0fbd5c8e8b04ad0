// SPDX-License-Identifier: Apache-2.0
// The checks run while parsing: a parsed object only holds the last of equal keys, and deep nesting
// costs memory before it is seen.
#include "safetensors/strict_json.h"

#include <set>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "safetensors/safetensors_header.h"

namespace brt {
namespace {

using nlohmann::json;

class StructureGuard {
 public:
  StructureGuard(const std::string& subject, int deepest) : subject_(subject), deepest_(deepest) {}

  bool operator()(int depth, json::parse_event_t event, const json& parsed) {
    if (depth > deepest_) {
      throw CheckpointError(fmt::format("{} is nested too deeply", subject_));
    }
    if (event == json::parse_event_t::object_start) {
      keys_.emplace_back();
    } else if (event == json::parse_event_t::object_end) {
      keys_.pop_back();
    } else if (event == json::parse_event_t::key) {
      const std::string& key = parsed.get_ref<const std::string&>();
      if (!keys_.back().insert(key).second) {
        throw CheckpointError(fmt::format("{} names {} twice", subject_, quoted_tensor_name(key)));
      }
    }
    return true;
  }

 private:
  const std::string& subject_;
  int deepest_;
  std::vector<std::set<std::string>> keys_;
};

}  // namespace

json parse_strict_object(std::string_view text,
                         const std::string& subject,
                         int deepest,
                         const std::string& kind) {
  const std::string hint = fmt::format("this is not {}, or it is damaged", kind);
  // The brace comes first; a zero byte would end the parser's input early.
  if (text.empty() || text.front() != '{' || text.find('\0') != std::string_view::npos) {
    throw CheckpointError(fmt::format("{} is not a JSON object", subject), hint);
  }
  try {
    StructureGuard guard(subject, deepest);
    return json::parse(text, [&guard](int depth, json::parse_event_t event, json& parsed) {
      return guard(depth, event, parsed);
    });
  } catch (const json::exception& error) {
    throw CheckpointError(fmt::format("{} is not valid JSON: {}", subject, error.what()), hint);
  }
}

}  // namespace brt
