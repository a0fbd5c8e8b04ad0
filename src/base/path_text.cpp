// SPDX-License-Identifier: Apache-2.0
// Escapes of bytes.
#include "base/path_text.h"

#include <charconv>
#include <cstdint>
#include <optional>

#include <fmt/format.h>

#include "base/utf8.h"

namespace brt {
namespace {

constexpr size_t kEscapeBytes = 4;

/// The byte that an escape at the front stands for.
std::optional<char> escaped_byte(std::string_view text) {
  if (text.size() < kEscapeBytes || !text.starts_with("\\x")) {
    return std::nullopt;
  }
  uint8_t byte = 0;
  const std::from_chars_result result =
      std::from_chars(text.data() + 2, text.data() + kEscapeBytes, byte, 16);
  const bool is_escape = result.ec == std::errc() && result.ptr == text.data() + kEscapeBytes &&
                         (byte >= 0x80 || byte == '\\');
  return is_escape ? std::optional<char>(static_cast<char>(byte)) : std::nullopt;
}

}  // namespace

std::string path_text(const std::filesystem::path& path) {
  std::string text;
  std::string_view rest = path.native();
  while (!rest.empty()) {
    const size_t size = utf8_character_size(rest);
    if (size == 0 || escaped_byte(rest)) {
      text += fmt::format("\\x{:02x}", static_cast<uint8_t>(rest.front()));
      rest.remove_prefix(1);
    } else {
      text += rest.substr(0, size);
      rest.remove_prefix(size);
    }
  }
  return text;
}

std::filesystem::path path_from_text(std::string_view text) {
  std::string path;
  while (!text.empty()) {
    const std::optional<char> byte = escaped_byte(text);
    path += byte ? *byte : text.front();
    text.remove_prefix(byte ? kEscapeBytes : 1);
  }
  return path;
}

}  // namespace brt
