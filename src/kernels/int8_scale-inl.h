// SPDX-License-Identifier: Apache-2.0
// The scale of a row that becomes integers, and the rounding: the same bits from every compiler
// flag, since no multiplication that rounds is followed by an addition.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>

namespace brt::kernels {
namespace {

struct IntegerScale {
  float scale;    ///< of one unit
  float inverse;  ///< units of one; 0 where every value counts as zero
};

/// For integers from -largest to largest.
[[maybe_unused]] IntegerScale integer_scale(const float* values, int64_t size, float largest) {
  int32_t greatest = 0;  // absolute values are in the order of their bits
  for (int64_t i = 0; i < size; ++i) {
    const int32_t bits = std::bit_cast<int32_t>(values[i]) & 0x7FFFFFFF;
    greatest = greatest < bits ? bits : greatest;
  }
  constexpr int32_t kInfinity = 0x7F800000;
  if (greatest >= kInfinity) {
    return {std::numeric_limits<float>::quiet_NaN(), 0.0F};
  }
  const float maximum = std::bit_cast<float>(greatest);
  if (maximum < 0x1p-100F) {
    return {0.0F, 0.0F};
  }
  return {maximum / largest, largest / maximum};
}

/// value * inverse, rounded to nearest, ties to even. The product of two float32 is exact in
/// float64, so a fused multiply-add gives the same.
[[maybe_unused]] int32_t nearest_integer(float value, float inverse) {
  constexpr double kNoFraction = 0x1.8p52;
  const double shifted = static_cast<double>(value) * static_cast<double>(inverse) + kNoFraction;
  return static_cast<int32_t>(shifted - kNoFraction);
}

}  // namespace
}  // namespace brt::kernels
