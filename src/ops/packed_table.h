// SPDX-License-Identifier: Apache-2.0
// The embedding table as right operand of the loss's products.
#pragma once

#include <cstdint>

#include "ops/cross_entropy_plan.h"

namespace brt {

/// Panels (kernels/panels.h) of the table, in the products' type T: float or kernels::Bfloat16.
template <class T>
class PackedTable {
 public:
  /// Packs the table, on several threads.
  PackedTable(const CrossEntropyProblem& problem, const CrossEntropyPlan& plan);

  /// For the logits: depth D, from entry `column` on, which begins a panel.
  const T* for_logits(int64_t column) const;

  /// For the hidden gradient: depth kDepthBlock or what is left of V, columns D, of the block that
  /// begins with `entry`. With gradient only.
  const T* for_gradient(int64_t entry) const { return gradient_block(entry); }

 private:
  int64_t width_;
  Buffer<T> columns_;  ///< depth D, columns V
  Buffer<T> rows_;     ///< in blocks of depth kDepthBlock (V), columns D

  T* gradient_block(int64_t entry) const;
  void pack_columns(const CrossEntropyProblem& problem);
  void pack_rows(const CrossEntropyProblem& problem);
};

}  // namespace brt
