// SPDX-License-Identifier: Apache-2.0
// JSON of files that come from elsewhere: one object, no key twice, no deep nesting.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace brt {

/// Parses `text`, whose objects and arrays may lie in each other up to `deepest`.
/// @param subject  begins messages: "FILE: header" for "FILE: header is not valid JSON"
/// @param kind     what the file should have been, for the hint: "a safetensors file"
/// @throws CheckpointError saying what is wrong.
nlohmann::json parse_strict_object(std::string_view text,
                                   const std::string& subject,
                                   int deepest,
                                   const std::string& kind);

}  // namespace brt
