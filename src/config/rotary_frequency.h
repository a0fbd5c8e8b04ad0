// SPDX-License-Identifier: Apache-2.0
// How fast rotary positions rotate each pair of elements.
#pragma once

#include <cstdint>

namespace brt {

/// The angle from one position to the next of elements j and j + K/2 of a vector [K]:
/// pi / 10000^(2j/K). model.md, "Position bias" (options; mind the pi).
double rotary_frequency(int64_t j, int64_t head_size);

}  // namespace brt
