// SPDX-License-Identifier: Apache-2.0
// The softmax of rows whose columns come in pieces, and the gradient it gives to logits.
#pragma once

#include <cstdint>
#include <limits>

#include "kernels/bfloat16.h"

namespace brt::kernels {

/// A row's softmax over the columns seen so far.
struct SoftmaxSum {
  float maximum = -std::numeric_limits<float>::infinity();  ///< of the logits, before the scale
  double sum = 0.0;  ///< sum_c exp((logit[c] - maximum) * scale)
};

struct SoftmaxSumArgs {
  const float* logits = nullptr;  ///< [rows, columns]
  int64_t logits_stride = 0;      ///< elements from row to row
  int64_t rows = 0;
  int64_t columns = 0;
  float scale = 1.0F;          ///< positive
  SoftmaxSum* sums = nullptr;  ///< [rows]
};

/// Adds columns to the rows' sums. The exponential's relative error is below 3e-7, and
/// it is zero below e^-87; a piece is summed in float32, pieces are added in float64. A logit that
/// is NaN or infinite makes the sum NaN; -infinity does only if nothing larger came in its piece or
/// before.
void softmax_sums(const SoftmaxSumArgs& args);

template <class T>
struct SoftmaxGradientArgs {
  const float* logits = nullptr;  ///< [rows, columns]
  int64_t logits_stride = 0;
  const SoftmaxSum* sums = nullptr;  ///< [rows], of all columns
  const float* factors = nullptr;    ///< [rows]
  T* out = nullptr;                  ///< [rows, columns]; must not overlap the logits
  int64_t out_stride = 0;
  int64_t rows = 0;
  int64_t columns = 0;
  float scale = 1.0F;
};

/// out[r, c] = factors[r] exp((logits[r, c] - maximum[r]) * scale) / sum[r], exponential as above.
void softmax_gradient(const SoftmaxGradientArgs<float>& args);
void softmax_gradient(const SoftmaxGradientArgs<Bfloat16>& args);

}  // namespace brt::kernels
