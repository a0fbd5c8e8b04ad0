// SPDX-License-Identifier: Apache-2.0
// Paths as text that is valid UTF-8, for JSON, TOML and logs, and back.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace brt {

/// A path as UTF-8: bytes that are not UTF-8 as \xNN, and a backslash as \x5c where it would begin
/// such a sequence. Every other path, nearly all there are, is itself.
std::string path_text(const std::filesystem::path& path);

/// The path of which path_text() made the text: \x5c and \x80 to \xff stand for a byte.
std::filesystem::path path_from_text(std::string_view text);

}  // namespace brt
