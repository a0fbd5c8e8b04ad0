// SPDX-License-Identifier: Apache-2.0
// JSON of weight files, which come from elsewhere: one object, no key twice.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace brt {

/// parse_bounded_json() of an object, whose first byte is its brace.
/// @param subject  begins messages: "FILE: header" for "FILE: header is not valid JSON"
/// @param kind     what the file should have been, for the hint: "a safetensors file"
/// @throws CheckpointError saying what is wrong.
nlohmann::json parse_strict_object(std::string_view text,
                                   const std::string& subject,
                                   const std::string& kind);

}  // namespace brt
