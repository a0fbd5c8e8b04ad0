// SPDX-License-Identifier: Apache-2.0
// Elementary functions with the same bits on every machine. They are sums, products and quotients
// of float64, compiled without fused multiply-adds, so that neither the processor nor its math
// library has a part in them. Streams, and files whose probabilities must come out again, depend on
// that.
#pragma once

namespace brt {

/// e^x, to 3e-16 of its value. @param x  finite, or -infinity: 0; at most 700
/// @param low  what is missing of the exponent: e^(x + low), where |low| is below 1e-6
double portable_exp(double x, double low = 0.0);

/// ln x, to 5e-16 of its value. @param x  positive, finite, not denormal
double portable_log(double x);

/// The hyperbolic tangent, to 1e-13 of its value; NaN of NaN.
double portable_tanh(double x);

/// To 3e-16, absolute, and 1e-15 of its value. @param x  between -1e5 and 1e5
double portable_sin(double x);
double portable_cos(double x);

}  // namespace brt
