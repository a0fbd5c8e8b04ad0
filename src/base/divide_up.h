// SPDX-License-Identifier: Apache-2.0
// How many units hold a size.
#pragma once

#include <cstdint>

namespace brt {

/// The least number of units that hold `size`, which is not negative; `unit` is positive.
constexpr int64_t divide_up(int64_t size, int64_t unit) { return (size + unit - 1) / unit; }

/// The size of so many units.
constexpr int64_t round_up(int64_t size, int64_t unit) { return divide_up(size, unit) * unit; }

}  // namespace brt
