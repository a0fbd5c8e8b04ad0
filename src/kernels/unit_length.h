// SPDX-License-Identifier: Apache-2.0
// Rows divided by their length, and the gradient.
#pragma once

#include <cstdint>

#include "kernels/bfloat16.h"

namespace brt::kernels {

/// root = rsqrt(sum_k x[r, k]^2 + epsilon);  out[r, k] = x[r, k] root
///
/// model.md, "Unit queries and keys". T is float or Bfloat16; sums are float32. Rows are
/// contiguous; out must not overlap x.
template <class T>
struct UnitLengthArgs {
  const T* x = nullptr;  ///< [rows, width]
  T* out = nullptr;      ///< [rows, width]
  int64_t width = 0;
  float epsilon = 0.0F;
};

/// Rows [begin, end). A row's result does not depend on the range.
void unit_length(const UnitLengthArgs<float>& args, int64_t begin, int64_t end);
void unit_length(const UnitLengthArgs<Bfloat16>& args, int64_t begin, int64_t end);

/// x_gradient[r, k] = root (out_gradient[r, k] - x[r, k] root^2 sum_k(out_gradient[r, k] x[r, k]))
///
/// The root is computed again: cheaper than to keep it.
template <class T>
struct UnitLengthBackwardArgs {
  const T* out_gradient = nullptr;  ///< [rows, width]
  const T* x = nullptr;             ///< [rows, width]
  T* x_gradient = nullptr;          ///< [rows, width]
  int64_t width = 0;
  float epsilon = 0.0F;
};

/// Rows [begin, end).
void unit_length_backward(const UnitLengthBackwardArgs<float>& args, int64_t begin, int64_t end);
void unit_length_backward(const UnitLengthBackwardArgs<Bfloat16>& args, int64_t begin, int64_t end);

}  // namespace brt::kernels
