// SPDX-License-Identifier: Apache-2.0
// UTF-8 by the table of well-formed byte sequences of the Unicode Standard (table 3-7).
#include "base/utf8.h"

#include <algorithm>
#include <cstdint>

namespace brt {
namespace {

uint8_t byte_at(std::string_view bytes, size_t index) { return static_cast<uint8_t>(bytes[index]); }

bool is_continuation(uint8_t byte) { return (byte & 0xC0) == 0x80; }

/// Bytes of the character that `lead` opens, 0 if it opens none.
size_t size_after_lead(uint8_t lead) {
  if (lead < 0x80) {
    return 1;
  }
  if (lead < 0xC2) {  // a continuation, or the lead of an overlong form
    return 0;
  }
  if (lead < 0xE0) {
    return 2;
  }
  if (lead < 0xF0) {
    return 3;
  }
  return lead < 0xF5 ? 4 : 0;
}

/// Whether `second` may follow `lead`: no overlong forms, no surrogates, nothing above U+10FFFF.
bool may_follow(uint8_t lead, uint8_t second) {
  switch (lead) {
    case 0xE0:
      return second >= 0xA0 && second <= 0xBF;
    case 0xED:
      return second >= 0x80 && second <= 0x9F;
    case 0xF0:
      return second >= 0x90 && second <= 0xBF;
    case 0xF4:
      return second >= 0x80 && second <= 0x8F;
    default:
      return is_continuation(second);
  }
}

/// How many bytes at the front belong to the same character, of `size` that its lead asks for.
size_t matching_bytes(std::string_view bytes, size_t size) {
  if (size == 0 || bytes.empty()) {
    return 0;
  }
  const size_t available = std::min(size, bytes.size());
  size_t count = 1;
  while (count < available) {
    const uint8_t byte = byte_at(bytes, count);
    if (count == 1 ? !may_follow(byte_at(bytes, 0), byte) : !is_continuation(byte)) {
      break;
    }
    ++count;
  }
  return count;
}

}  // namespace

size_t valid_utf8_prefix(std::string_view bytes) {
  size_t position = 0;
  while (position < bytes.size()) {
    const uint8_t lead = byte_at(bytes, position);
    if (lead < 0x80) {
      ++position;
      continue;
    }
    const size_t size = utf8_character_size(bytes.substr(position));
    if (size == 0) {
      break;
    }
    position += size;
  }
  return position;
}

size_t utf8_character_size(std::string_view bytes) {
  if (bytes.empty()) {
    return 0;
  }
  const size_t size = size_after_lead(byte_at(bytes, 0));
  return matching_bytes(bytes, size) == size ? size : 0;
}

size_t unfinished_utf8_tail(std::string_view bytes) {
  const size_t longest = std::min<size_t>(3, bytes.size());
  for (size_t length = 1; length <= longest; ++length) {
    const std::string_view tail = bytes.substr(bytes.size() - length);
    const uint8_t first = byte_at(tail, 0);
    if (is_continuation(first)) {
      continue;
    }
    const size_t size = size_after_lead(first);
    return size > length && matching_bytes(tail, size) == length ? length : 0;
  }
  return 0;
}

}  // namespace brt
