// SPDX-License-Identifier: Apache-2.0
// The embedding's gradient: tasks of a few entries of the table.
#include "ops/embedding_gradient.h"

#include <algorithm>

#include "base/divide_up.h"
#include "kernels/matmul.h"
#include "kernels/panels.h"
#include "ops/parallel_chunks.h"

namespace brt {
namespace {

using kernels::MatmulOutput;
using kernels::num_panels;

/// Of a panel of a chunk's rows.
template <class T>
int64_t chunk_panel_size(const CrossEntropyPlan& plan) {
  return kernels::panel_size(plan.chunk_rows, static_cast<const T*>(nullptr));
}

}  // namespace

template <class T>
EmbeddingGradient<T>::EmbeddingGradient(const CrossEntropyProblem& problem,
                                        const CrossEntropyResults& results,
                                        const CrossEntropyPlan& plan,
                                        const CrossEntropyChunk<T>& chunk)
    : problem_(problem),
      results_(results),
      plan_(plan),
      chunk_(chunk),
      hidden_panels_(num_panels(problem.width) * chunk_panel_size<T>(plan)),
      transposed_(num_slots(), chunk_panel_size<T>(plan)) {}

template <class T>
void EmbeddingGradient<T>::add(int64_t rows, bool is_first) const {
  const int64_t width = problem_.width;
  const kernels::PackArgs<T, T> pack{chunk_.hidden.data(), width, hidden_panels_.data(), rows,
                                     width};
  parallel_chunks(num_panels(width),
                  [&](int64_t panel) { kernels::pack_rows(pack, panel, panel + 1); });
  const int64_t entries = plan_.entries_of_a_task;
  const int64_t tasks = divide_up(problem_.vocab_size, entries);
  parallel_tasks(tasks, num_slots(), [&](int64_t task, int64_t slot) {
    const int64_t entry = task * entries;
    kernels::MatmulArgs<T> args;
    args.left = chunk_.gradient.data() + entry;
    args.left_stride = plan_.gradient_stride;
    args.left_form = kernels::LeftForm::kTransposed;
    args.panels = hidden_panels_.data();
    args.out = results_.embedding_gradient + entry * width;
    args.out_stride = width;
    args.rows = std::min(entries, problem_.vocab_size - entry);
    args.columns = width;
    args.depth = rows;
    args.output = is_first ? MatmulOutput::kStoreFloat : MatmulOutput::kAddFloat;
    kernels::transposed_matmul(args, transposed_.of(slot));
  });
}

template class EmbeddingGradient<float>;
template class EmbeddingGradient<kernels::Bfloat16>;

}  // namespace brt
