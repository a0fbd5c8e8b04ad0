// SPDX-License-Identifier: Apache-2.0
// Fused cross-entropy of a few rows: logits, softmax and hidden gradient.
#pragma once

#include <cstdint>

#include "kernels/softmax_gradient.h"
#include "ops/cross_entropy_plan.h"
#include "ops/packed_table.h"
#include "ops/slot_memory.h"

namespace brt {

/// The tasks of rows; T is the products' type. What it is made of must outlive it.
template <class T>
class CrossEntropyRows {
 public:
  CrossEntropyRows(const CrossEntropyProblem& problem,
                   const CrossEntropyResults& results,
                   const CrossEntropyPlan& plan,
                   const PackedTable<T>& table,
                   const CrossEntropyChunk<T>& chunk);

  /// Sets the rows' nats and, with gradient, their hidden gradient and their part of the chunk.
  /// @param slot  of parallel_tasks
  void run(const TaskRows& rows, int64_t slot) const;

 private:
  /// What the gradients need of the logits of a task's rows.
  struct Softmax {
    const float* logits;  ///< before the scale
    const kernels::SoftmaxSum* sums;
    const double* nats;
  };

  const CrossEntropyProblem& problem_;
  const CrossEntropyResults& results_;
  const CrossEntropyPlan& plan_;
  const PackedTable<T>& table_;
  const CrossEntropyChunk<T>& chunk_;
  double scale_;
  SlotMemory<float> logits_;       ///< [task_rows, V]; without gradient [.., tile_columns]
  SlotMemory<float> hidden_sums_;  ///< hidden gradient of a task [task_rows, D]

  const int64_t* indices_of(const TaskRows& rows) const {
    return problem_.rows.data() + rows.chunk_begin + rows.from;
  }
  const T* round_hidden(const TaskRows& rows) const;
  void compute_logits(const TaskRows& rows,
                      const T* hidden,
                      float* logits,
                      kernels::SoftmaxSum* sums,
                      double* nats) const;
  void compute_gradients(const TaskRows& rows, const Softmax& softmax, float* hidden_sums) const;
  void subtract_targets(const TaskRows& rows,
                        const float* factors,
                        const double* nats,
                        int64_t entry,
                        int64_t entries) const;
  T* gradient_of(const TaskRows& rows, int64_t entry) const {
    return chunk_.gradient.data() + rows.from * plan_.gradient_stride + entry;
  }
};

}  // namespace brt
