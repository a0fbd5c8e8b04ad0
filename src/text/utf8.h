// SPDX-License-Identifier: Apache-2.0
// UTF-8: how much of a run of bytes is whole characters.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace brt {

/// Length of the longest prefix that is valid UTF-8 (no overlong forms, no surrogates).
size_t valid_utf8_prefix(std::string_view bytes);

/// Length of the character that the bytes open with; 0 if that is not valid or not complete.
size_t utf8_character_size(std::string_view bytes);

/// Holds back the bytes of an unfinished character, so that text can be printed as it comes.
class Utf8Stream {
 public:
  /// Adds bytes; returns what can be printed now. Bytes that can never become valid UTF-8 pass
  /// through unchanged.
  std::string push(std::string_view bytes);
  /// What is still held back, at the end of the text.
  std::string finish();

 private:
  std::string held_;
};

}  // namespace brt
