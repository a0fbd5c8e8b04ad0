// SPDX-License-Identifier: Apache-2.0
// Whole numbers as bytes of a file, least significant first.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace brt {

template <class Unsigned>
void append_little_endian(std::string& bytes, Unsigned number) {
  for (size_t i = 0; i < sizeof(Unsigned); ++i) {
    bytes.push_back(static_cast<char>(static_cast<unsigned char>(number >> (8 * i))));
  }
}

/// The number that begins at `offset`; its bytes must be there.
template <class Unsigned>
Unsigned little_endian_at(std::string_view bytes, size_t offset) {
  Unsigned number = 0;
  for (size_t i = 0; i < sizeof(Unsigned); ++i) {
    const Unsigned byte = static_cast<unsigned char>(bytes[offset + i]);
    number = static_cast<Unsigned>(number | (byte << (8 * i)));
  }
  return number;
}

}  // namespace brt
