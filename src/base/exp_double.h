// SPDX-License-Identifier: Apache-2.0
// The exponential function with the same bits on every machine, in a form that loops can vectorize.
#pragma once

#include <bit>
#include <cstdint>

namespace brt {

/// e^x to within 1e-14 of its value, for x <= 0; smaller arguments than -700 count as -700.
/// Sums and products only, compiled without fused multiply-adds, so that it depends neither on the
/// math library nor on the processor.
///
///   e^x = 2^n e^r    n = round(x / ln 2), |r| <= ln 2 / 2, Taylor's series of e^r to r^12 / 12!
inline double exp_of_nonpositive(double x) {
  constexpr double kRound = 0x1.8p52;  // adding it leaves the nearest whole number in the last bits
  constexpr double kLog2e = 1.4426950408889634074;
  constexpr double kLn2High =
      0x1.62e42fefa0000p-1;  // of few enough bits that n * kLn2High is exact
  constexpr double kLn2Low = 0x1.cf79abc9e3b3ap-40;
  const double bounded = x < -700.0 ? -700.0 : x;
  const double shifted = bounded * kLog2e + kRound;
  const double n = shifted - kRound;
  const double r = (bounded - n * kLn2High) - n * kLn2Low;
  double sum = 1.0 / 479001600.0;
  sum = sum * r + 1.0 / 39916800.0;
  sum = sum * r + 1.0 / 3628800.0;
  sum = sum * r + 1.0 / 362880.0;
  sum = sum * r + 1.0 / 40320.0;
  sum = sum * r + 1.0 / 5040.0;
  sum = sum * r + 1.0 / 720.0;
  sum = sum * r + 1.0 / 120.0;
  sum = sum * r + 1.0 / 24.0;
  sum = sum * r + 1.0 / 6.0;
  sum = sum * r + 0.5;
  sum = sum * r + 1.0;
  sum = sum * r + 1.0;
  // The whole number n stands in the last bits of `shifted`: moved into the place of the exponent,
  // it multiplies by 2^n.
  const uint64_t exponent = (std::bit_cast<uint64_t>(shifted) + 1023) << 52;
  return sum * std::bit_cast<double>(exponent);
}

}  // namespace brt
