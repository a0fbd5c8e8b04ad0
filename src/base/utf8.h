// SPDX-License-Identifier: Apache-2.0
// UTF-8: how much of a run of bytes is whole characters.
#pragma once

#include <cstddef>
#include <string_view>

namespace brt {

/// Length of the longest prefix that is valid UTF-8 (no overlong forms, no surrogates).
size_t valid_utf8_prefix(std::string_view bytes);

/// Length of the character that the bytes open with; 0 if that is not valid or not complete.
size_t utf8_character_size(std::string_view bytes);

/// Length of an unfinished character at the very end, 0 if there is none.
size_t unfinished_utf8_tail(std::string_view bytes);

}  // namespace brt
