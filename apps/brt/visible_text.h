// SPDX-License-Identifier: Apache-2.0
// Any bytes as text that a terminal shows and that stays on its line.
#pragma once

#include <string>
#include <string_view>

namespace brt {

/// Newlines, tabs and backslashes as \n, \t, \\; other control characters, marks that turn a line's
/// order and bytes that are not UTF-8 as \xNN, byte by byte.
std::string visible_text(std::string_view bytes);

/// The same for a message of several lines: newlines and backslashes stay.
std::string visible_message(std::string_view message);

}  // namespace brt
