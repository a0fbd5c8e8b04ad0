// SPDX-License-Identifier: Apache-2.0
// The numbers of the exponential function of vector types.
#pragma once

namespace brt::kernels {
namespace {

// e^x = 2^n e^r with n = round(x / ln 2), |r| <= ln 2 / 2. ln 2 in two parts: the product of n and
// the first is exact. The polynomial's coefficients are those of Cephes' expf.
constexpr float kSmallestExponent = -104.0F;  // e^-104 rounds to zero
constexpr float kInverseLn2 = 1.44269504F;
constexpr float kLn2 = 0.693147181F;
constexpr float kLn2High = 0.693359375F;
constexpr float kLn2Low = -2.12194440e-4F;
constexpr float kExpCoefficients[] = {1.9875691500e-4F, 1.3981999507e-3F, 8.3334519073e-3F,
                                      4.1665795894e-2F, 1.6666665459e-1F, 5.0000001201e-1F};

// 2^x = 2^n 2^r with n = floor(x); the polynomial, after its constant term of 1, has the least
// relative error of its degree over [0, 1]: 8e-8. Powers below the smallest are taken as zero, so
// that what is made of them has no denormal numbers, each of which takes the CPU 150 cycles.
constexpr float kSmallestPower = -110.0F;
constexpr float kPowerCoefficients[] = {1.8671301659e-3F, 9.0170297772e-3F, 5.5799912661e-2F,
                                        2.4016444385e-1F, 6.9315129519e-1F, 1.0F};

}  // namespace
}  // namespace brt::kernels
