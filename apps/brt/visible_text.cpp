// SPDX-License-Identifier: Apache-2.0
// Escapes character by character.
#include "visible_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "text/utf8.h"

namespace brt {
namespace {

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
