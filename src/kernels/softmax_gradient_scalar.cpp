// SPDX-License-Identifier: Apache-2.0
// The softmax a number at a time.
#include <bit>

#include "kernels/softmax_gradient-inl.h"
#include "kernels/softmax_gradient_targets.h"

namespace brt::kernels {
namespace {

/// 2^exponent for -126 <= exponent <= 127.
float power_of_two(int32_t exponent) {
  return std::bit_cast<float>(static_cast<uint32_t>(exponent + 127) << 23);
}

struct ScalarVector {
  using Type = float;
  using Mask = bool;
  static constexpr int64_t kSize = 1;

  static bool first(int64_t /*count*/) { return true; }
  static float load(const float* from, bool /*mask*/) { return *from; }
  static float broadcast(float value) { return value; }
  static float max(float a, float b, bool /*mask*/) { return b > a ? b : a; }
  static float add(float a, float b, bool /*mask*/) { return a + b; }
  static float subtract(float a, float b) { return a - b; }
  static float multiply(float a, float b) { return a * b; }
  static float exponential(float x) {
    const float clamped = x < kSmallestExponent ? kSmallestExponent : x;
    // Adding 1.5 * 2^23 rounds to an integer, which stays in the lowest bits.
    constexpr float kRounder = 12582912.0F;
    const float rounded = clamped * kInverseLn2 + kRounder;
    const float n = rounded - kRounder;
    const float r = clamped - n * kLn2High - n * kLn2Low;
    float polynomial = kExpCoefficients[0];
    for (int i = 1; i < 6; ++i) {
      polynomial = polynomial * r + kExpCoefficients[i];
    }
    polynomial = polynomial * r * r + r + 1.0F;
    // NaN must not be converted to an integer; any power of two does for it.
    const int32_t exponent = clamped == clamped ? static_cast<int32_t>(n) : 0;
    // In two steps: the result may be smaller than any normal number.
    return polynomial * power_of_two(exponent / 2) * power_of_two(exponent - exponent / 2);
  }
  static void store(float* to, float value, bool /*mask*/) { *to = value; }
  static void store(Bfloat16* to, float value, bool /*mask*/) { *to = to_bfloat16(value); }
  static float largest(float value) { return value; }
  static float total(float value) { return value; }
};

}  // namespace

void softmax_sums_scalar(const SoftmaxSumArgs& args) { softmax_sums_loop<ScalarVector>(args); }
void softmax_gradient_scalar(const SoftmaxGradientArgs<float>& args) {
  softmax_gradient_loop<ScalarVector>(args);
}
void softmax_gradient_scalar(const SoftmaxGradientArgs<Bfloat16>& args) {
  softmax_gradient_loop<ScalarVector>(args);
}

}  // namespace brt::kernels
