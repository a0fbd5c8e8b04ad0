// SPDX-License-Identifier: Apache-2.0
// The products of weights' gradients on kernels, divided among the threads.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

namespace brt {

/// What one use of weights adds to their gradients: gradient_i^T x.
struct WeightGradientTerm {
  at::Tensor x_RI;
  std::vector<at::Tensor> gradients_RO;  ///< of each weight's output; undefined: adds nothing
};

/// sums[i] += gradient_i^T x of each term, in their order. @param sums_OI  float32 [out_i, in]; an
/// undefined one is taken for zero, and stays undefined if no term adds to it
void add_weight_gradients(const std::vector<WeightGradientTerm>& terms,
                          std::vector<at::Tensor>& sums_OI);

/// A float32 matrix, transposed in memory.
at::Tensor transposed_copy(const at::Tensor& matrix_IO);

}  // namespace brt
