// SPDX-License-Identifier: Apache-2.0
// Escapes character by character.
#include "visible_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "text/utf8.h"

namespace brt {
namespace {

/// Whether a character of several bytes commands a terminal or turns the order of what follows on
/// its line: C1 controls (U+0080 to U+009F), line and paragraph separators and bidirectional marks
/// (U+061C, U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069).
bool is_hidden(std::string_view character) {
  if (character.size() == 2) {
    return (character[0] == '\xC2' && static_cast<unsigned char>(character[1]) < 0xA0) ||
           character == "\xD8\x9C";
  }
  if (character.size() != 3 || character[0] != '\xE2') {
    return false;
  }
  const unsigned char last = static_cast<unsigned char>(character[2]);
  return character[1] == '\x80' ? last == 0x8E || last == 0x8F || (last >= 0xA8 && last <= 0xAE)
                                : character[1] == '\x81' && last >= 0xA6 && last <= 0xA9;
}

std::string escape(std::string_view bytes, bool keeps_lines) {
  std::string text;
  while (!bytes.empty()) {
    const unsigned char first = static_cast<unsigned char>(bytes.front());
    const size_t size = utf8_character_size(bytes);
    if (keeps_lines && (first == '\n' || first == '\\')) {
      text += bytes.front();
    } else if (first == '\n') {
      text += "\\n";
    } else if (first == '\t') {
      text += "\\t";
    } else if (first == '\\') {
      text += "\\\\";
    } else if (size == 0 || first < 0x20 || first == 0x7F) {
      text += fmt::format("\\x{:02x}", first);
    } else if (is_hidden(bytes.substr(0, size))) {
      for (const char byte : bytes.substr(0, size)) {
        text += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
      }
    } else {
      text += bytes.substr(0, size);
    }
    bytes.remove_prefix(std::max<size_t>(size, 1));
  }
  return text;
}

}  // namespace

std::string visible_text(std::string_view bytes) { return escape(bytes, /*keeps_lines=*/false); }

std::string visible_message(std::string_view message) {
  return escape(message, /*keeps_lines=*/true);
}

}  // namespace brt
