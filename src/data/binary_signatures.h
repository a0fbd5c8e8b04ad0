// SPDX-License-Identifier: Apache-2.0
// Files that hold no text, known by their first bytes.
#pragma once

#include <string>
#include <string_view>

namespace brt {

/// What a file is that cannot be read as text, such as "a PNG image"; empty if none is recognised.
/// Signatures of letters only count if no text could go on as the file does, or its name agrees.
/// @param head  the file's first kRecognizedBytes
/// @param name  in small letters
std::string binary_kind(std::string_view head, std::string_view name);

}  // namespace brt
