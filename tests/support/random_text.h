// SPDX-License-Identifier: Apache-2.0
// Texts to read, of a seed.
#pragma once

#include <cstdint>
#include <string>

#include "base/seeded_random.h"

namespace brt {

/// Words of random letters: `bytes` bytes.
inline std::string random_text(int64_t bytes, uint64_t seed) {
  SeededRandom random(seed);
  std::string text;
  while (static_cast<int64_t>(text.size()) < bytes) {
    text += random.below(5) == 0 ? ' ' : static_cast<char>('a' + random.below(26));
  }
  return text;
}

}  // namespace brt
