// SPDX-License-Identifier: Apache-2.0
// The embedding table in panels: by columns for the logits, by rows for the hidden gradient.
#include "ops/packed_table.h"

#include <algorithm>

#include "base/divide_up.h"
#include "kernels/panels.h"
#include "ops/parallel_chunks.h"

namespace brt {
namespace {

using kernels::num_panels;

template <class T>
int64_t panel_size(int64_t depth) {
  return kernels::panel_size(depth, static_cast<const T*>(nullptr));
}

int64_t even(int64_t size) { return (size + 1) / 2 * 2; }

}  // namespace

template <class T>
PackedTable<T>::PackedTable(const CrossEntropyProblem& problem, const CrossEntropyPlan& plan)
    : width_(problem.width),
      columns_(num_panels(problem.vocab_size) * panel_size<T>(problem.width)),
      rows_(plan.with_gradient ? num_panels(problem.width) * panel_size<T>(even(problem.vocab_size))
                               : 0) {
  pack_columns(problem);
  if (plan.with_gradient) {
    pack_rows(problem);
  }
}

template <class T>
const T* PackedTable<T>::for_logits(int64_t column) const {
  return columns_.data() + column / kernels::kPanelColumns * panel_size<T>(width_);
}

/// Whole blocks come before it.
template <class T>
T* PackedTable<T>::gradient_block(int64_t entry) const {
  return rows_.data() + num_panels(width_) * panel_size<T>(entry);
}

template <class T>
void PackedTable<T>::pack_columns(const CrossEntropyProblem& problem) {
  const kernels::PackArgs<float, T> args{problem.embedding, width_, columns_.data(), width_,
                                         problem.vocab_size};
  parallel_chunks(num_panels(problem.vocab_size),
                  [&](int64_t panel) { kernels::pack_columns(args, panel, panel + 1); });
}

template <class T>
void PackedTable<T>::pack_rows(const CrossEntropyProblem& problem) {
  const int64_t blocks = divide_up(problem.vocab_size, kDepthBlock);
  parallel_chunks(blocks, [&](int64_t block) {
    const int64_t entry = block * kDepthBlock;
    const int64_t depth = std::min(kDepthBlock, problem.vocab_size - entry);
    kernels::pack_rows(kernels::PackArgs<float, T>{problem.embedding + entry * width_, width_,
                                                   gradient_block(entry), depth, width_},
                       0, num_panels(width_));
  });
}

template class PackedTable<float>;
template class PackedTable<kernels::Bfloat16>;

}  // namespace brt
