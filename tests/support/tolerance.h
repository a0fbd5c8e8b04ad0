// SPDX-License-Identifier: Apache-2.0
// How close two results must be, by dtype and kind; always relative to max(1, largest wanted
// value).
#pragma once

namespace brt::tolerance {

/// Float64 against a plain loop: other orders of summation only.
inline constexpr double kFloat64 = 1e-12;
/// Float32 against float64 or another order of summation, in results of order 1.
inline constexpr double kFloat32 = 1e-5;
/// Bfloat16 (8 bits of mantissa) against float32, for one op.
inline constexpr double kBFloat16 = 2e-2;
/// The same for a stack of layers, whose roundings add up.
inline constexpr double kBFloat16Model = 1e-1;
/// Float64 gradients against central differences of step 1e-5: truncation and cancellation.
inline constexpr double kDifferences = 1e-7;

}  // namespace brt::tolerance
