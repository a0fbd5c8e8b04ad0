// SPDX-License-Identifier: Apache-2.0
// bfloat16 as its bits, for code without LibTorch. Functions are static: files compiled for one CPU
// target must not share them with others.
#pragma once

#include <bit>
#include <cstdint>

namespace brt::kernels {

/// The upper half of a float32.
struct Bfloat16 {
  uint16_t bits;
};

[[maybe_unused]] static inline float to_float(Bfloat16 value) {
  return std::bit_cast<float>(static_cast<uint32_t>(value.bits) << 16);
}
[[maybe_unused]] static inline float to_float(float value) { return value; }

/// Rounds to nearest, ties to even; every NaN becomes a quiet one.
[[maybe_unused]] static inline Bfloat16 to_bfloat16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t rounded = (bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16;
  const bool is_nan = (bits & 0x7FFFFFFFU) > 0x7F800000U;
  return {static_cast<uint16_t>(is_nan ? 0x7FC0U : rounded)};
}

[[maybe_unused]] static inline void from_float(float value, float& out) { out = value; }
[[maybe_unused]] static inline void from_float(float value, Bfloat16& out) {
  out = to_bfloat16(value);
}

}  // namespace brt::kernels
