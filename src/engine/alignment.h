// SPDX-License-Identifier: Apache-2.0
// Sizes of parts of a buffer that vectors of 64 bytes read.
#pragma once

#include <cstdint>

#include "base/divide_up.h"

namespace brt {

inline constexpr int64_t kAlignment = 64;

/// Bytes of `count` elements and what follows them up to the next part.
template <class T>
constexpr int64_t aligned_bytes(int64_t count) {
  return round_up(count * static_cast<int64_t>(sizeof(T)), kAlignment);
}

}  // namespace brt
