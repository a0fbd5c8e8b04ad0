// SPDX-License-Identifier: Apache-2.0
// Text made safe to stand in HTML.
#pragma once

#include <string>
#include <string_view>

namespace brt {

/// Text as HTML content or as a quoted attribute: markup becomes entities; bytes that are not UTF-8
/// and control characters other than tab and newline become the replacement character.
std::string escape_html(std::string_view text);

}  // namespace brt
