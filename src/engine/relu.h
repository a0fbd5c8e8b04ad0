// SPDX-License-Identifier: Apache-2.0
// The activation of the feed-forward networks.
#pragma once

#include <span>

namespace brt {

/// x = max(x, 0); NaN stays.
inline void relu(std::span<float> x) {
  for (float& value : x) {
    value = value < 0.0F ? 0.0F : value;
  }
}

}  // namespace brt
