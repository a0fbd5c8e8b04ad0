// SPDX-License-Identifier: Apache-2.0
// Problems of settings: how they are worded, collected and thrown.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace brt {

/// Throws one ConfigError with every problem, or returns if there is none. One problem stays on one
/// line, "ORIGIN: PROBLEM"; several stand below "ORIGIN: N problems", one a line.
void throw_if_problems(const std::string& origin, const std::vector<std::string>& problems);

/// `unknown KIND "NAME"; did you mean "NEAREST"?`, or where none is near, every known one.
std::string unknown_name_text(std::string_view kind,
                              std::string_view name,
                              std::span<const std::string> known);

/// `"a", "b" or "c"`
std::string alternatives_text(std::span<const std::string> words);

/// Whether one of `keys` stands in `problem` as a whole word.
bool mentions_any(std::string_view problem, std::span<const std::string> keys);

}  // namespace brt
