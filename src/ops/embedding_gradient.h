// SPDX-License-Identifier: Apache-2.0
// Fused cross-entropy's gradient of the embedding table.
#pragma once

#include <cstdint>

#include "ops/cross_entropy_plan.h"
#include "ops/slot_memory.h"

namespace brt {

/// The sum over chunks of (logits' gradient)^T hidden; T is the products' type. What it is made of
/// must outlive it.
template <class T>
class EmbeddingGradient {
 public:
  EmbeddingGradient(const CrossEntropyProblem& problem,
                    const CrossEntropyResults& results,
                    const CrossEntropyPlan& plan,
                    const CrossEntropyChunk<T>& chunk);

  /// Adds the chunk's rows, on several threads; the first chunk's set the sum.
  void add(int64_t rows, bool is_first) const;

 private:
  const CrossEntropyProblem& problem_;
  const CrossEntropyResults& results_;
  const CrossEntropyPlan& plan_;
  const CrossEntropyChunk<T>& chunk_;
  Buffer<T> hidden_panels_;   ///< a chunk's rows: depth chunk_rows, columns D
  SlotMemory<T> transposed_;  ///< scratch of transposed products
};

}  // namespace brt
