// SPDX-License-Identifier: Apache-2.0
// Arguments brought near zero, then Taylor's series.
#include "base/portable_math.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace brt {
namespace {

// ln 2 and pi / 2 in parts. All but the last have so few bits that their products with whole
// numbers of up to 20 bits are exact.
constexpr double kLn2High = 0x1.62e42fee00000p-1;
constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
constexpr double kHalfPi1 = 0x1.921fb54400000p+0;
constexpr double kHalfPi2 = 0x1.0b4611a600000p-34;
constexpr double kHalfPi3 = 0x1.3198a2e037073p-69;

constexpr double kSmallestExponent = -700.0;
constexpr int kMantissaBits = 52;
constexpr int kExponentBias = 1023;

double power_of_two(int64_t n) {
  return std::bit_cast<double>(static_cast<uint64_t>(n + kExponentBias) << kMantissaBits);
}

/// x^2 / (n (n + 1)) - x^4 / (n (n + 1) (n + 2) (n + 3)) + ..., so many terms; of n = 1 it is
/// 1 - cos x, of n = 2 it is 1 - sin x / x.
double alternating_series(double square, int n, int terms) {
  double sum = 0.0;
  for (int i = terms - 1; i >= 0; --i) {
    const double divisor = static_cast<double>((n + 2 * i) * (n + 2 * i + 1));
    sum = square / divisor * (1.0 - sum);
  }
  return sum;
}

/// An angle as quarters of a turn, modulo 4, and what remains: at most pi / 4.
struct Angle {
  int64_t quarters;
  double rest;
};

Angle reduce(double x) {
  constexpr double kTwoOverPi = 0x1.45f306dc9c883p-1;
  const double n = std::nearbyint(x * kTwoOverPi);
  const double rest = ((x - n * kHalfPi1) - n * kHalfPi2) - n * kHalfPi3;
  return {static_cast<int64_t>(n) & 3, rest};
}

double sine_of_quarters(Angle angle) {
  constexpr int kTerms = 9;
  const double square = angle.rest * angle.rest;
  const double value = (angle.quarters & 1) == 0
                           ? angle.rest - angle.rest * alternating_series(square, 2, kTerms)
                           : 1.0 - alternating_series(square, 1, kTerms);
  return angle.quarters >= 2 ? -value : value;
}

}  // namespace

double portable_exp(double x, double low) {
  constexpr double kLog2e = 0x1.71547652b82fep+0;
  constexpr int kTerms = 14;
  if (!(x >= kSmallestExponent)) {  // NaN stays one
    return x < kSmallestExponent ? 0.0 : x;
  }
  const double n = std::nearbyint(x * kLog2e);
  const double rest = x - n * kLn2High;
  const double missing = low - n * kLn2Low;
  const double r = rest + missing;
  const double lost = (rest - r) + missing;
  // e^r = 1 + r + r^2 / 2 + ..., the large terms last
  double sum = 0.0;
  for (int i = kTerms; i >= 2; --i) {
    sum = (1.0 + sum) * r / static_cast<double>(i);
  }
  const double small = lost + sum * r;
  const double whole = 1.0 + r;
  const double power = whole + (((1.0 - whole) + r) + small);
  return power * power_of_two(static_cast<int64_t>(n));
}

double portable_log(double x) {
  constexpr int kTerms = 12;
  constexpr uint64_t kMantissa = (uint64_t{1} << kMantissaBits) - 1;
  constexpr double kSqrt2 = 0x1.6a09e667f3bcdp+0;
  const uint64_t bits = std::bit_cast<uint64_t>(x);
  int64_t exponent = static_cast<int64_t>(bits >> kMantissaBits) - kExponentBias;
  double mantissa = std::bit_cast<double>((bits & kMantissa) | std::bit_cast<uint64_t>(1.0));
  if (mantissa > kSqrt2) {
    mantissa /= 2.0;
    ++exponent;
  }
  // ln m = 2 artanh((m - 1) / (m + 1)) = 2 (f + f^3 / 3 + f^5 / 5 + ...)
  const double f = (mantissa - 1.0) / (mantissa + 1.0);
  const double square = f * f;
  double sum = 0.0;
  for (int i = kTerms; i >= 1; --i) {
    sum = (sum + 1.0 / static_cast<double>(2 * i + 1)) * square;
  }
  const double n = static_cast<double>(exponent);
  return n * kLn2High + (2.0 * f + (2.0 * f * sum + n * kLn2Low));
}

double portable_tanh(double x) {
  constexpr double kSeriesEnd = 1e-3;
  constexpr double kOne = 20.0;  // from here on the value rounds to 1
  const double size = std::fabs(x);
  if (size < kSeriesEnd) {
    const double square = x * x;
    return x - x * square * (1.0 / 3.0 - square * (2.0 / 15.0));
  }
  const double value = size > kOne ? 1.0 : 1.0 - 2.0 / (portable_exp(2.0 * size) + 1.0);
  return std::isnan(x) ? std::numeric_limits<double>::quiet_NaN() : std::copysign(value, x);
}

double portable_sin(double x) { return sine_of_quarters(reduce(x)); }

double portable_cos(double x) {
  const Angle angle = reduce(x);
  return sine_of_quarters({(angle.quarters + 1) & 3, angle.rest});
}

}  // namespace brt
