// SPDX-License-Identifier: Apache-2.0
// How many rows and entries fused cross-entropy takes at a time.
#include "ops/cross_entropy_plan.h"

#include <algorithm>
#include <cmath>

#include "base/divide_up.h"
#include "kernels/matmul.h"
#include "kernels/panels.h"

namespace brt {
namespace {

using kernels::kPanelColumns;

/// Logits that are summed while they are in L2, in bytes.
constexpr int64_t kTileBytes = int64_t{512} << 10;
/// Logits' gradient of a chunk. With V = 32000 in bfloat16, 4096 rows are two chunks.
constexpr int64_t kChunkBytes = int64_t{144} << 20;
constexpr int64_t kMaxChunkRows = 2304;

/// Elements from row to row such that rows start at cache lines, an odd number of them apart: a
/// column's elements then do not compete for the same sets of the cache.
int64_t padded_stride(int64_t columns, int64_t element_bytes) {
  const int64_t line = 64 / element_bytes;
  return (divide_up(columns, line) | 1) * line;
}

/// Chunks of about equal size.
int64_t rows_of_a_chunk(const CrossEntropyProblem& problem,
                        int64_t task_rows,
                        int64_t element_bytes) {
  const int64_t fit = kChunkBytes / (problem.vocab_size * element_bytes);
  const int64_t most = std::clamp(fit / task_rows * task_rows, task_rows, kMaxChunkRows);
  const int64_t chunks = std::max<int64_t>(1, divide_up(problem.num_rows(), most));
  return divide_up(divide_up(problem.num_rows(), chunks), task_rows) * task_rows;
}

/// Few where the table is small, so that there are enough tasks for the threads.
int64_t table_entries_of_a_task(int64_t vocab_size) {
  constexpr int64_t kTasks = 32;
  const int64_t wanted = divide_up(vocab_size / kTasks + 1, kPanelColumns) * kPanelColumns;
  return std::min(wanted, divide_up(kernels::matmul_part_rows(), kPanelColumns) * kPanelColumns);
}

}  // namespace

double CrossEntropyProblem::scale() const { return 1.0 / std::sqrt(static_cast<double>(width)); }

CrossEntropyPlan::CrossEntropyPlan(const CrossEntropyProblem& problem,
                                   bool gradient,
                                   int64_t element_bytes)
    : with_gradient(gradient),
      task_rows(std::min(kernels::matmul_part_rows() / 2, kMostTaskRows)),
      chunk_rows(rows_of_a_chunk(problem, task_rows, element_bytes)),
      entries_of_a_task(table_entries_of_a_task(problem.vocab_size)),
      tile_columns(kTileBytes / (task_rows * static_cast<int64_t>(sizeof(float))) / kPanelColumns *
                   kPanelColumns),
      logits_stride(gradient ? padded_stride(problem.vocab_size, sizeof(float)) : tile_columns),
      gradient_stride(padded_stride(problem.vocab_size, element_bytes)) {}

}  // namespace brt
