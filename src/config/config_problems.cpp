// SPDX-License-Identifier: Apache-2.0
// Wording of configuration errors.
#include "config/config_problems.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/nearest_name.h"

namespace brt {
namespace {

bool is_key_character(char character) {
  return character == '_' || std::isalnum(static_cast<unsigned char>(character)) != 0;
}

bool mentions(std::string_view problem, std::string_view key) {
  for (size_t at = problem.find(key); at != std::string_view::npos;
       at = problem.find(key, at + 1)) {
    const size_t end = at + key.size();
    const bool starts = at == 0 || !is_key_character(problem[at - 1]);
    const bool ends = end == problem.size() || !is_key_character(problem[end]);
    if (starts && ends) {
      return true;
    }
  }
  return false;
}

}  // namespace

void throw_if_problems(const std::string& origin, const std::vector<std::string>& problems) {
  if (problems.empty()) {
    return;
  }
  if (problems.size() == 1) {
    throw ConfigError(fmt::format("{}: {}", origin, problems.front()));
  }
  throw ConfigError(
      fmt::format("{}: {} problems\n  {}", origin, problems.size(), fmt::join(problems, "\n  ")));
}

std::string unknown_name_text(std::string_view kind,
                              std::string_view name,
                              std::span<const std::string> known) {
  const std::string nearest = nearest_name(name, known);
  return nearest.empty()
             ? fmt::format("unknown {} \"{}\"; expected {}", kind, name, alternatives_text(known))
             : fmt::format("unknown {} \"{}\"; did you mean \"{}\"?", kind, name, nearest);
}

std::string alternatives_text(std::span<const std::string> words) {
  std::string text;
  for (size_t i = 0; i < words.size(); ++i) {
    const char* separator = i == 0 ? "" : (i + 1 == words.size() ? " or " : ", ");
    text += fmt::format("{}\"{}\"", separator, words[i]);
  }
  return text;
}

bool mentions_any(std::string_view problem, std::span<const std::string> keys) {
  return std::ranges::any_of(keys, [&](const std::string& key) { return mentions(problem, key); });
}

}  // namespace brt
