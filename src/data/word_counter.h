// SPDX-License-Identifier: Apache-2.0
// Counts whitespace-separated words of UTF-8 text that arrives in parts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace brt {

/// Counts as Python's str.split() does: runs of characters that are none of the 29 that Python
/// takes for whitespace. Bytes that are not UTF-8 belong to words. The parts' borders do not
/// matter.
class WordCounter {
 public:
  void append(std::string_view part);
  /// Words so far, an unfinished one included.
  int64_t words() const { return words_ + (num_held_ > 0 && !in_word_ ? 1 : 0); }

 private:
  int64_t words_ = 0;
  bool in_word_ = false;
  unsigned char held_[2] = {};  ///< beginning of what may become a space of several bytes
  size_t num_held_ = 0;

  void add_word_byte();
  void add_byte(unsigned char byte);
};

}  // namespace brt
