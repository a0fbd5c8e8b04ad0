// SPDX-License-Identifier: Apache-2.0
// The exponential and the logistic function in arithmetic that compilers vectorise, which calls of
// expf are not.
#pragma once

#include <bit>
#include <cstdint>

namespace brt::kernels {
namespace {

/// e^x to 2e-7, relative, for x in [-87, 88]; 0 below, e^88 above. A NaN stays one.
///
/// x = n ln 2 + r with |r| <= ln(2) / 2; e^r by the polynomial of Cephes' expf (S. Moshier).
inline __attribute__((always_inline)) float exponential(float x) {
  constexpr float kSmallest = -87.0F;
  constexpr float kLog2E = 1.44269504F;
  constexpr float kLn2Upper = 0.693359375F;  // few bits: n * kLn2Upper is exact
  constexpr float kLn2Lower = -2.12194440e-4F;
  constexpr float kRounder = 12582912.0F;  // 1.5 * 2^23: sums with it are rounded to integers
  float clamped = x < kSmallest ? kSmallest : x;
  clamped = clamped > 88.0F ? 88.0F : clamped;
  const float shifted = clamped * kLog2E + kRounder;
  const float n = shifted - kRounder;
  const float r = (clamped - n * kLn2Upper) - n * kLn2Lower;
  float sum = 1.9875691500e-4F;
  sum = sum * r + 1.3981999507e-3F;
  sum = sum * r + 8.3334519073e-3F;
  sum = sum * r + 4.1665795894e-2F;
  sum = sum * r + 1.6666665459e-1F;
  sum = sum * r + 5.0000001201e-1F;
  sum = sum * (r * r) + r + 1.0F;
  // The low bits of `shifted` are n; moved into the exponent they make 2^n.
  const uint32_t exponent = (std::bit_cast<uint32_t>(shifted) + 127U) << 23;
  const float power = sum * std::bit_cast<float>(exponent);
  return x < kSmallest ? 0.0F : power;
}

/// 1 / (1 + e^-x)
inline __attribute__((always_inline)) float sigmoid(float x) {
  return 1.0F / (1.0F + exponential(-x));
}

}  // namespace
}  // namespace brt::kernels
