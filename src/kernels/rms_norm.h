// SPDX-License-Identifier: Apache-2.0
// RMS normalisation of rows, and its gradient.
#pragma once

#include <cstdint>

#include "kernels/bfloat16.h"

namespace brt::kernels {

/// root[r] = rsqrt(mean_d x[r, d]^2 + epsilon);  out[r, d] = x[r, d] root[r] gain[d]
///
/// model.md, "RMSNorm". T is float or Bfloat16; all else is float32. Rows are contiguous; nothing
/// that is written may overlap what is read.
template <class T>
struct RmsNormArgs {
  const float* x = nullptr;     ///< [rows, width]
  const float* gain = nullptr;  ///< [width]
  T* out = nullptr;             ///< [rows, width]
  float* root = nullptr;        ///< [rows]
  int64_t width = 0;
  float epsilon = 0.0F;
};

/// Rows [begin, end). A row's result does not depend on the range.
void rms_norm(const RmsNormArgs<float>& args, int64_t begin, int64_t end);
void rms_norm(const RmsNormArgs<Bfloat16>& args, int64_t begin, int64_t end);

/// With a[r, d] = out_gradient[r, d] gain[d]:
///
///   x_gradient[r, d]  = root[r] (a[r, d] - x[r, d] root[r]^2 mean_d(a[r, d] x[r, d]))
///   gain_gradient[d] += sum_r out_gradient[r, d] x[r, d] root[r],  rows in ascending order
template <class T>
struct RmsNormBackwardArgs {
  const T* out_gradient = nullptr;  ///< [rows, width]
  const float* x = nullptr;         ///< [rows, width]
  const float* gain = nullptr;      ///< [width]
  const float* root = nullptr;      ///< [rows], from rms_norm
  float* x_gradient = nullptr;      ///< [rows, width]
  float* gain_gradient = nullptr;   ///< [width]; the caller's, one per range that runs at a time
  int64_t width = 0;
};

/// Rows [begin, end).
void rms_norm_backward(const RmsNormBackwardArgs<float>& args, int64_t begin, int64_t end);
void rms_norm_backward(const RmsNormBackwardArgs<Bfloat16>& args, int64_t begin, int64_t end);

}  // namespace brt::kernels
