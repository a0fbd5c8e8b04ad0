// SPDX-License-Identifier: Apache-2.0
// Masks of the lanes that are in use, for AVX-512.
#pragma once

#include <cstdint>

#include <immintrin.h>

namespace brt::kernels {
namespace {

/// The first `count` of 16 or 32 lanes; none or all beyond the ends.
inline __mmask16 first16(int64_t count) {
  return count >= 16 ? 0xFFFF : static_cast<__mmask16>(count <= 0 ? 0 : (1U << count) - 1U);
}
inline __mmask32 first32(int64_t count) {
  return count >= 32 ? 0xFFFFFFFFU : static_cast<__mmask32>(count <= 0 ? 0 : (1U << count) - 1U);
}

}  // namespace
}  // namespace brt::kernels
