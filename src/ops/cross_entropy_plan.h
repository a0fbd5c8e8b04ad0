// SPDX-License-Identifier: Apache-2.0
// What the pass over rows of fused cross-entropy is given, and how it is divided.
//
// Letters: R rows, D width, V entries of the table.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

namespace brt {

/// The operands; all contiguous.
struct CrossEntropyProblem {
  const float* hidden = nullptr;     ///< [R, D]
  const float* embedding = nullptr;  ///< [V, D]
  const int64_t* target = nullptr;   ///< [R]
  const float* weight = nullptr;     ///< [R]; null: no gradient
  int64_t width = 0;                 ///< D
  int64_t vocab_size = 0;            ///< V
  std::vector<int64_t> rows;         ///< which rows are read

  int64_t num_rows() const { return static_cast<int64_t>(rows.size()); }
  double scale() const;  ///< of logits: 1 / sqrt(D)
};

/// The results; gradients may be null.
struct CrossEntropyResults {
  double* nats = nullptr;               ///< one of each of the problem's rows
  float* hidden_gradient = nullptr;     ///< [R, D]; only the rows that are read are written
  float* embedding_gradient = nullptr;  ///< [V, D]

  bool with_gradient() const { return hidden_gradient != nullptr; }
};

/// Rows of one task at the most. The table's panels pass once per task.
inline constexpr int64_t kMostTaskRows = 128;
/// Entries of the table that one product of the hidden gradient sums over. Even, since bfloat16 is
/// packed in pairs; 128 rows of bfloat16 logits' gradient are 512 KiB, and a panel is 256 KiB.
inline constexpr int64_t kDepthBlock = 2048;

/// How the work is divided; the number of threads has no part in it.
struct CrossEntropyPlan {
  /// @param element_bytes  of the products' operands
  CrossEntropyPlan(const CrossEntropyProblem& problem, bool gradient, int64_t element_bytes);

  bool with_gradient;
  int64_t task_rows;          ///< rows whose logits one thread has at a time
  int64_t chunk_rows;         ///< rows whose logits' gradient is kept
  int64_t entries_of_a_task;  ///< of the table, for the embedding's gradient
  int64_t tile_columns;       ///< logits that are summed while they are in L2
  int64_t logits_stride;      ///< elements from row to row
  int64_t gradient_stride;    ///< likewise, of the logits' gradient
};

/// Rows of one task.
struct TaskRows {
  int64_t chunk_begin;  ///< the chunk's first row, as an index of CrossEntropyProblem::rows
  int64_t from;         ///< the task's first row within the chunk
  int64_t count;
};

/// Memory aligned to cache lines, not initialised.
template <class T>
class Buffer {
 public:
  explicit Buffer(int64_t size)
      : bytes_(at::empty({size * static_cast<int64_t>(sizeof(T))}, at::kByte)),
        data_(static_cast<T*>(bytes_.data_ptr())) {}
  T* data() const { return data_; }

 private:
  at::Tensor bytes_;
  T* data_;
};

/// What is kept of a chunk of rows for the embedding's gradient. T is the products' type.
template <class T>
struct CrossEntropyChunk {
  CrossEntropyChunk(const CrossEntropyProblem& problem, const CrossEntropyPlan& plan)
      : hidden(plan.chunk_rows * problem.width),
        gradient(plan.with_gradient ? plan.chunk_rows * plan.gradient_stride : 0) {}

  Buffer<T> hidden;    ///< [chunk_rows, D], rounded
  Buffer<T> gradient;  ///< of the logits: [chunk_rows, V], rows gradient_stride apart
};

}  // namespace brt
