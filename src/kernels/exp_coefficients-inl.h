// SPDX-License-Identifier: Apache-2.0
// The numbers of the exponential functions of vector types.
#pragma once

namespace brt::kernels {
namespace {

// 2^x = 2^n 2^r with n = floor(x); the polynomial of 2^r, from its highest power down, has the
// least relative error of its degree over [0, 1]: 8e-8. Powers below the smallest are taken as
// zero, so that what is made of them has no denormal numbers, each of which takes the CPU 150
// cycles.
constexpr float kSmallestPower = -110.0F;
constexpr float kPowerCoefficients[] = {1.8671301659e-3F, 9.0170297772e-3F, 5.5799912661e-2F,
                                        2.4016444385e-1F, 6.9315129519e-1F, 1.0F};

// e^x = 2^n e^r with n = floor(x / ln 2). ln 2 in two parts: the product of n and the first is
// exact. Below the smallest exponent e^x is taken as zero, above the largest it stays.
constexpr float kSmallestExponent = -87.0F;
constexpr float kLargestExponent = 88.0F;
constexpr float kInverseLn2 = 1.44269504F;
constexpr float kLn2 = 0.693147181F;
constexpr float kLn2High = 0.693359375F;
constexpr float kLn2Low = -2.12194440e-4F;

}  // namespace
}  // namespace brt::kernels
