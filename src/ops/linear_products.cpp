// SPDX-License-Identifier: Apache-2.0
// The products of a projection's outputs and of its input's gradient. Tasks are fixed parts of the
// output, each summed as a whole, so that results do not depend on the number of threads.
#include "ops/linear_products.h"

#include <algorithm>
#include <functional>

#include <ATen/ops/empty.h>

#include "base/divide_up.h"
#include "kernels/panels.h"
#include "kernels/rounding.h"
#include "ops/kernel_pointers.h"
#include "ops/parallel_chunks.h"
#include "ops/slot_memory.h"

namespace brt {
namespace {

using kernels::MatmulArgs;
using kernels::MatmulOutput;

constexpr int64_t kLastTasks = 4;      // for each of two large ones, so that threads end together
constexpr int64_t kManyRowTasks = 8;   // from here on rows alone divide the work evenly
constexpr int64_t kFewRowsPanels = 2;  // columns of a task when rows do not
constexpr int64_t kSumPanels = 8;      // columns of a sum of products: 256 rows are 512 KiB

struct RowRange {
  int64_t begin = 0;
  int64_t rows = 0;
};

/// Rows in tasks; if they are many, the last ones are small.
std::vector<RowRange> row_tasks(int64_t rows) {
  const int64_t task_rows = kernels::matmul_part_rows();
  const int64_t small_from =
      rows >= kManyRowTasks * task_rows ? (rows / task_rows - 2) * task_rows : rows;
  std::vector<RowRange> tasks;
  for (int64_t begin = 0; begin < rows;) {
    const int64_t size = begin < small_from ? task_rows : task_rows / kLastTasks;
    tasks.push_back({begin, std::min(size, rows - begin)});
    begin += size;
  }
  return tasks;
}

/// Whether tasks of rows, all columns of each, keep the threads evenly busy.
bool are_enough(const std::vector<RowRange>& tasks) {
  const int64_t count = static_cast<int64_t>(tasks.size());
  return count >= kManyRowTasks ||
         (count > 0 && count % num_slots() == 0 && tasks.front().rows == tasks.back().rows);
}

/// A part of a product's output.
struct Part {
  RowRange range;
  int64_t panel = 0;  ///< the first of its columns
  int64_t panels = 0;
};

/// Calls work(part, slot) for all parts: divided by rows, and by columns too if rows alone are too
/// few for the threads.
void divide(int64_t rows,
            int64_t columns,
            const std::function<void(const Part& part, int64_t slot)>& work) {
  const int64_t panels = kernels::num_panels(columns);
  const std::vector<RowRange> ranges = row_tasks(rows);
  const int64_t num_ranges = static_cast<int64_t>(ranges.size());
  const int64_t task_panels = are_enough(ranges) ? panels : std::min(panels, kFewRowsPanels);
  const int64_t column_tasks = divide_up(panels, std::max<int64_t>(task_panels, 1));
  parallel_tasks(num_ranges * column_tasks, num_slots(), [&](int64_t task, int64_t slot) {
    const int64_t first = task % column_tasks * task_panels;
    work({ranges[static_cast<size_t>(task / column_tasks)], first,
          std::min(task_panels, panels - first)},
         slot);
  });
}

/// The arguments of one part.
template <class T>
MatmulArgs<T> part_of(const MatmulArgs<T>& args, const Part& part) {
  const int64_t column = part.panel * kernels::kPanelColumns;
  const int64_t offset = part.range.begin * args.out_stride + column;
  const int64_t out_size =
      static_cast<int64_t>(kernels::stores_float32(args.output) ? sizeof(float) : sizeof(T));
  MatmulArgs<T> own = args;
  own.rows = part.range.rows;
  own.columns = std::min(part.panels * kernels::kPanelColumns, args.columns - column);
  own.left += part.range.begin * args.left_stride;
  own.panels += part.panel * kernels::panel_size(args.depth, args.panels);
  own.out = static_cast<char*>(args.out) + offset * out_size;
  own.addend = args.addend != nullptr ? args.addend + offset : nullptr;
  own.mask = args.mask != nullptr ? args.mask + offset : nullptr;
  return own;
}

template <class T>
void divided_matmul(const MatmulArgs<T>& args) {
  divide(args.rows, args.columns,
         [&](const Part& part, int64_t) { kernels::matmul(part_of(args, part)); });
}

/// Two products of which the second reads what the first gives, row by row.
template <class T>
void divided_pair(const MatmulArgs<T>& first, const MatmulArgs<T>& second) {
  const std::vector<RowRange> ranges = row_tasks(first.rows);
  if (!are_enough(ranges)) {
    divided_matmul(first);
    divided_matmul(second);
    return;
  }
  parallel_tasks(static_cast<int64_t>(ranges.size()), num_slots(), [&](int64_t task, int64_t) {
    const RowRange& range = ranges[static_cast<size_t>(task)];
    kernels::matmul(part_of(first, {range, 0, kernels::num_panels(first.columns)}));
    kernels::matmul(part_of(second, {range, 0, kernels::num_panels(second.columns)}));
  });
}

/// One part of divided_sum: the sums in float32 (memory for them is given), then the output.
template <class T>
void add_terms(const std::vector<MatmulArgs<T>>& terms, const Part& part, float* sums) {
  const int64_t stride = part.panels * kernels::kPanelColumns;
  for (size_t i = 0; i < terms.size(); ++i) {
    MatmulArgs<T> term = part_of(terms[i], part);
    term.out = sums;
    term.out_stride = stride;
    term.output = i == 0 ? MatmulOutput::kStoreFloat : MatmulOutput::kAddFloat;
    kernels::matmul(term);
  }
  const MatmulArgs<T> whole = part_of(terms.front(), part);
  for (int64_t row = 0; row < whole.rows; ++row) {
    kernels::round_row(sums + row * stride, static_cast<T*>(whole.out) + row * whole.out_stride,
                       whole.columns);
  }
}

/// The sum of products with one output (kStore), which is rounded once.
template <class T>
void divided_sum(const std::vector<MatmulArgs<T>>& terms) {
  const MatmulArgs<T>& first = terms.front();
  if (terms.size() == 1) {
    divided_matmul(first);
    return;
  }
  const SlotMemory<float> sums(num_slots(),
                               kernels::matmul_part_rows() * kSumPanels * kernels::kPanelColumns);
  divide(first.rows, first.columns, [&](const Part& part, int64_t slot) {
    for (int64_t panel = 0; panel < part.panels; panel += kSumPanels) {
      const Part piece = {part.range, part.panel + panel,
                          std::min(kSumPanels, part.panels - panel)};
      add_terms(terms, piece, sums.of(slot));
    }
  });
}

template <class T>
MatmulArgs<T> product_args(const at::Tensor& left_RD,
                           const at::Tensor& panels,
                           const at::Tensor& out_RC,
                           MatmulOutput output) {
  MatmulArgs<T> args;
  args.left = const_pointer<T>(left_RD);
  args.left_stride = left_RD.size(1);
  args.panels = const_pointer<T>(panels);
  args.out = out_RC.mutable_data_ptr();
  args.out_stride = out_RC.size(1);
  args.rows = left_RD.size(0);
  args.columns = out_RC.size(1);
  args.depth = left_RD.size(1);
  args.output = output;
  return args;
}

void divided_matmul(const at::Tensor& left_RD,
                    const at::Tensor& panels,
                    const at::Tensor& out_RC,
                    MatmulOutput output,
                    const float* addend = nullptr) {
  with_kernel_type(left_RD.scalar_type(), [&](auto type) {
    MatmulArgs<decltype(type)> args = product_args<decltype(type)>(left_RD, panels, out_RC, output);
    args.addend = addend;
    divided_matmul(args);
  });
}

}  // namespace

void output_product(const at::Tensor& x_RI,
                    const at::Tensor& weight_OI,
                    PackedWeight& packed,
                    MatmulOutput output,
                    const at::Tensor& out_RO) {
  divided_matmul(x_RI, packed.transposed(weight_OI, x_RI.scalar_type()), out_RO, output);
}

void output_sum(const at::Tensor& residual_RO,
                const at::Tensor& x_RI,
                const at::Tensor& weight_OI,
                PackedWeight& packed,
                const at::Tensor& out_RO) {
  divided_matmul(x_RI, packed.transposed(weight_OI, x_RI.scalar_type()), out_RO,
                 MatmulOutput::kStoreSum, residual_RO.const_data_ptr<float>());
}

void feed_forward_products(const FeedForwardTensors& tensors,
                           const WeightRef& up,
                           const WeightRef& down) {
  const at::ScalarType dtype = tensors.x_RI.scalar_type();
  with_kernel_type(dtype, [&](auto type) {
    using T = decltype(type);
    const MatmulArgs<T> first =
        product_args<T>(tensors.x_RI, up.packed->transposed(up.weight, dtype), tensors.hidden_RF,
                        MatmulOutput::kStoreRelu);
    MatmulArgs<T> second =
        product_args<T>(tensors.hidden_RF, down.packed->transposed(down.weight, dtype),
                        tensors.out_RO, MatmulOutput::kStoreSum);
    second.addend = tensors.residual_RO.const_data_ptr<float>();
    divided_pair(first, second);
  });
}

FeedForwardGradients feed_forward_gradients(const at::Tensor& gradient_RO,
                                            const at::Tensor& hidden_RF,
                                            const WeightRef& up,
                                            const WeightRef& down) {
  const at::ScalarType dtype = gradient_RO.scalar_type();
  FeedForwardGradients gradients;
  gradients.hidden_RF = at::empty(hidden_RF.sizes(), hidden_RF.options());
  gradients.x_RI = at::empty({hidden_RF.size(0), up.weight.size(1)}, hidden_RF.options());
  with_kernel_type(dtype, [&](auto type) {
    using T = decltype(type);
    MatmulArgs<T> first = product_args<T>(gradient_RO, down.packed->straight(down.weight, dtype),
                                          gradients.hidden_RF, MatmulOutput::kStore);
    first.mask = const_pointer<T>(hidden_RF);  // where relu gave zero
    divided_pair(first, product_args<T>(gradients.hidden_RF, up.packed->straight(up.weight, dtype),
                                        gradients.x_RI, MatmulOutput::kStore));
  });
  return gradients;
}

at::Tensor input_gradient(const std::vector<at::Tensor>& gradients_RO,
                          const std::vector<WeightRef>& weights) {
  at::Tensor gradient_RI = at::empty({gradients_RO.front().size(0), weights.front().weight.size(1)},
                                     gradients_RO.front().options());
  with_kernel_type(gradient_RI.scalar_type(), [&](auto type) {
    using T = decltype(type);
    std::vector<MatmulArgs<T>> terms;
    for (size_t i = 0; i < weights.size(); ++i) {
      terms.push_back(
          product_args<T>(gradients_RO[i],
                          weights[i].packed->straight(weights[i].weight, gradient_RI.scalar_type()),
                          gradient_RI, MatmulOutput::kStore));
    }
    divided_sum(terms);
  });
  return gradient_RI;
}

}  // namespace brt
