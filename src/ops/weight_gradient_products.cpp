// SPDX-License-Identifier: Apache-2.0
// The products of weights' gradients. Tasks are fixed parts of a sum, each added up as a whole, so
// that results do not depend on the number of threads.
#include "ops/weight_gradient_products.h"

#include <algorithm>

#include <ATen/ops/empty.h>

#include "base/divide_up.h"
#include "kernels/matmul.h"
#include "kernels/panels.h"
#include "ops/kernel_pointers.h"
#include "ops/parallel_chunks.h"
#include "ops/slot_memory.h"

namespace brt {
namespace {

using kernels::MatmulArgs;
using kernels::MatmulOutput;

constexpr int64_t kManyTasks = 8;  // of each thread: enough for them to end together

/// Panels of x [R, in] as right operand: depth R.
template <class T>
at::Tensor pack_tokens(const at::Tensor& x_RI) {
  kernels::PackArgs<T, T> args;
  args.source = const_pointer<T>(x_RI);
  args.source_stride = x_RI.size(1);
  args.depth = x_RI.size(0);
  args.columns = x_RI.size(1);
  const int64_t panels = kernels::num_panels(args.columns);
  at::Tensor packed =
      at::empty({panels, kernels::panel_size(args.depth, args.panels)}, x_RI.options());
  args.panels = mutable_pointer<T>(packed);
  constexpr int64_t kTokens = 64;
  parallel_chunks(divide_up(args.depth, kTokens), [&](int64_t block) {
    const int64_t first = block * kTokens;
    kernels::pack_row_range(args, first, std::min(kTokens, args.depth - first));
  });
  return packed;
}

/// Rows of a weight's gradient, for one task.
struct GradientRows {
  size_t weight = 0;
  int64_t begin = 0;
  int64_t rows = 0;
};

/// All rows of the defined sums in tasks: large ones if these are enough to keep all threads busy.
std::vector<GradientRows> gradient_tasks(const std::vector<at::Tensor>& sums_OI) {
  std::vector<GradientRows> tasks;
  for (int64_t size = kernels::matmul_part_rows() / kernels::kPanelColumns * kernels::kPanelColumns;
       size > 0; size -= kernels::kPanelColumns) {
    tasks.clear();
    for (size_t i = 0; i < sums_OI.size(); ++i) {
      const int64_t rows = sums_OI[i].defined() ? sums_OI[i].size(0) : 0;
      for (int64_t begin = 0; begin < rows; begin += size) {
        tasks.push_back({i, begin, std::min(size, rows - begin)});
      }
    }
    if (static_cast<int64_t>(tasks.size()) % num_slots() == 0 ||
        static_cast<int64_t>(tasks.size()) >= kManyTasks * num_slots()) {
      break;
    }
  }
  return tasks;
}

/// One part's product of one term.
template <class T>
MatmulArgs<T> gradient_args(const at::Tensor& gradient_RO,
                            const at::Tensor& panels,
                            const at::Tensor& sum_OI,
                            const GradientRows& part) {
  MatmulArgs<T> args;
  args.left = const_pointer<T>(gradient_RO) + part.begin;
  args.left_stride = gradient_RO.size(1);
  args.left_form = kernels::LeftForm::kTransposed;
  args.panels = const_pointer<T>(panels);
  args.out = mutable_pointer<float>(sum_OI) + part.begin * sum_OI.size(1);
  args.out_stride = sum_OI.size(1);
  args.rows = part.rows;
  args.columns = sum_OI.size(1);
  args.depth = gradient_RO.size(0);
  return args;
}

/// @param begun  for each sum, whether it holds numbers already
template <class T>
void add_products(const std::vector<WeightGradientTerm>& terms,
                  const std::vector<at::Tensor>& sums_OI,
                  const std::vector<bool>& begun) {
  std::vector<at::Tensor> panels;
  int64_t most_tokens = 0;
  for (const WeightGradientTerm& term : terms) {
    panels.push_back(pack_tokens<T>(term.x_RI));
    most_tokens = std::max(most_tokens, term.x_RI.size(0));
  }
  const SlotMemory<T> scratch(num_slots(),
                              kernels::panel_size(most_tokens, static_cast<const T*>(nullptr)));
  const std::vector<GradientRows> tasks = gradient_tasks(sums_OI);
  // A part of a sum takes all terms while it is in the cache.
  parallel_tasks(static_cast<int64_t>(tasks.size()), num_slots(), [&](int64_t task, int64_t slot) {
    const GradientRows& part = tasks[static_cast<size_t>(task)];
    bool adds = begun[part.weight];
    for (size_t i = 0; i < terms.size(); ++i) {
      const at::Tensor& gradient_RO = terms[i].gradients_RO[part.weight];
      if (!gradient_RO.defined()) {
        continue;
      }
      MatmulArgs<T> args = gradient_args<T>(gradient_RO, panels[i], sums_OI[part.weight], part);
      args.output = adds ? MatmulOutput::kAddFloat : MatmulOutput::kStoreFloat;
      kernels::transposed_matmul(args, scratch.of(slot));
      adds = true;
    }
  });
}

}  // namespace

void add_weight_gradients(const std::vector<WeightGradientTerm>& terms,
                          std::vector<at::Tensor>& sums_OI) {
  std::vector<bool> begun;
  for (size_t i = 0; i < sums_OI.size(); ++i) {
    begun.push_back(sums_OI[i].defined());
    for (const WeightGradientTerm& term : terms) {
      if (!sums_OI[i].defined() && term.gradients_RO[i].defined()) {
        sums_OI[i] = at::empty({term.gradients_RO[i].size(1), term.x_RI.size(1)},
                               term.x_RI.options().dtype(at::kFloat));
      }
    }
  }
  with_kernel_type(terms.front().x_RI.scalar_type(),
                   [&](auto type) { add_products<decltype(type)>(terms, sums_OI, begun); });
}

at::Tensor transposed_copy(const at::Tensor& matrix_IO) {
  constexpr int64_t kRows = 64;
  at::Tensor out_OI = at::empty({matrix_IO.size(1), matrix_IO.size(0)}, matrix_IO.options());
  kernels::TransposeArgs<float> args;
  args.source = matrix_IO.const_data_ptr<float>();
  args.source_stride = matrix_IO.size(1);
  args.out_stride = matrix_IO.size(0);
  args.rows = matrix_IO.size(0);
  parallel_chunks(divide_up(matrix_IO.size(1), kRows), [&](int64_t chunk) {
    kernels::TransposeArgs<float> part = args;
    part.column_begin = chunk * kRows;
    part.column_end = std::min(part.column_begin + kRows, matrix_IO.size(1));
    part.out = out_OI.mutable_data_ptr<float>() + part.column_begin * args.out_stride;
    kernels::transpose(part);
  });
  return out_OI;
}

}  // namespace brt
