// SPDX-License-Identifier: Apache-2.0
// Escapes character by character; see html_text.h.
#include "report/html_text.h"

#include "text/utf8.h"

namespace brt {
namespace {

constexpr std::string_view kReplacement = "&#xFFFD;";

std::string_view escaped_ascii(std::string_view character) {
  const unsigned char value = static_cast<unsigned char>(character.front());
  switch (value) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    case '\t':
    case '\n':
      return character;
    default:
      return value < 0x20 || value == 0x7f ? kReplacement : character;
  }
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string html;
  html.reserve(text.size());
  while (!text.empty()) {
    const size_t size = utf8_character_size(text);
    if (size == 0) {
      html += kReplacement;
      text.remove_prefix(1);
    } else {
      html += size == 1 ? escaped_ascii(text.substr(0, 1)) : text.substr(0, size);
      text.remove_prefix(size);
    }
  }
  return html;
}

}  // namespace brt
