// SPDX-License-Identifier: Apache-2.0
// A byte-wise automaton over the UTF-8 forms of the whitespace characters.
#include "data/word_counter.h"

namespace brt {
namespace {

bool is_ascii_space(unsigned char byte) {
  return byte == ' ' || (byte >= 0x09 && byte <= 0x0d) || (byte >= 0x1c && byte <= 0x1f);
}

/// U+0085, U+00A0; U+1680; U+2000..U+200A, U+2028, U+2029, U+202F, U+205F; U+3000.
bool can_begin_space(unsigned char byte) {
  return byte == 0xc2 || byte == 0xe1 || byte == 0xe2 || byte == 0xe3;
}

enum class Match { kNone, kBegun, kSpace };

Match match_two(unsigned char first, unsigned char second) {
  switch (first) {
    case 0xc2:
      return second == 0x85 || second == 0xa0 ? Match::kSpace : Match::kNone;
    case 0xe1:
      return second == 0x9a ? Match::kBegun : Match::kNone;
    case 0xe2:
      return second == 0x80 || second == 0x81 ? Match::kBegun : Match::kNone;
    default:
      return second == 0x80 ? Match::kBegun : Match::kNone;
  }
}

bool match_three(unsigned char first, unsigned char second, unsigned char third) {
  if (first == 0xe2 && second == 0x80) {
    return (third >= 0x80 && third <= 0x8a) || third == 0xa8 || third == 0xa9 || third == 0xaf;
  }
  return first == 0xe2 ? third == 0x9f : third == 0x80;
}

}  // namespace

void WordCounter::add_word_byte() {
  words_ += in_word_ ? 0 : 1;
  in_word_ = true;
}

void WordCounter::add_byte(unsigned char byte) {
  if (num_held_ > 0) {
    Match match = Match::kNone;
    if (num_held_ == 1) {
      match = match_two(held_[0], byte);
    } else if (match_three(held_[0], held_[1], byte)) {
      match = Match::kSpace;
    }
    if (match == Match::kBegun) {
      held_[num_held_++] = byte;
      return;
    }
    num_held_ = 0;
    if (match == Match::kSpace) {
      in_word_ = false;
      return;
    }
    add_word_byte();  // what was held is no space; `byte` is looked at anew
  }
  if (is_ascii_space(byte)) {
    in_word_ = false;
  } else if (can_begin_space(byte)) {
    held_[num_held_++] = byte;
  } else {
    add_word_byte();
  }
}

void WordCounter::append(std::string_view part) {
  for (const char byte : part) {
    add_byte(static_cast<unsigned char>(byte));
  }
}

}  // namespace brt
