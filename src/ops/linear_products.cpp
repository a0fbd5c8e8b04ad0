// SPDX-License-Identifier: Apache-2.0
// The three products of a linear map on kernels. Tasks are fixed parts of the output, each summed
// as a whole, so that results do not depend on the number of threads.
#include "ops/linear_products.h"

#include <algorithm>
#include <array>

#include <ATen/ops/empty.h>

#include "kernels/panels.h"
#include "ops/kernel_pointers.h"
#include "ops/parallel_chunks.h"

namespace brt {
namespace {

using kernels::Bfloat16;
using kernels::MatmulArgs;
using kernels::MatmulOutput;

constexpr int64_t kTaskRows = 96;      // as many as the kernel keeps in L2
constexpr int64_t kFewRowsPanels = 2;  // columns of a task when there are few rows
constexpr int64_t kWeightGradientRows =
    48;  // their left operand, as deep as all tokens, stays in L2

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// The product, divided by rows, and by columns too if rows alone are too few for the threads.
template <class T>
void divided_matmul(const MatmulArgs<T>& args) {
  const int64_t panels = kernels::num_panels(args.columns);
  const int64_t row_tasks = ceil_div(args.rows, kTaskRows);
  const int64_t task_panels = row_tasks >= 8 ? panels : std::min(panels, kFewRowsPanels);
  const int64_t column_tasks = ceil_div(panels, std::max<int64_t>(task_panels, 1));
  const bool float_out =
      args.output == MatmulOutput::kStoreFloat || args.output == MatmulOutput::kAddFloat;
  const int64_t out_size = static_cast<int64_t>(float_out ? sizeof(float) : sizeof(T));
  parallel_chunks(row_tasks * column_tasks, [&](int64_t task) {
    const int64_t row = task / column_tasks * kTaskRows;
    const int64_t panel = task % column_tasks * task_panels;
    const int64_t column = panel * kernels::kPanelColumns;
    MatmulArgs<T> part = args;
    part.rows = std::min(kTaskRows, args.rows - row);
    part.columns = std::min(task_panels * kernels::kPanelColumns, args.columns - column);
    part.left += row * args.left_stride;
    part.panels += panel * kernels::panel_size(args.depth, args.panels);
    part.out = static_cast<char*>(args.out) + (row * args.out_stride + column) * out_size;
    kernels::matmul(part);
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
                    MatmulOutput output) {
  if (left_RD.scalar_type() == at::kBFloat16) {
    divided_matmul(product_args<Bfloat16>(left_RD, panels, out_RC, output));
  } else {
    divided_matmul(product_args<float>(left_RD, panels, out_RC, output));
  }
}

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
  parallel_chunks(panels, [&](int64_t panel) { kernels::pack_rows(args, panel, panel + 1); });
  return packed;
}

/// Rows of one weight's gradient, for one task.
struct GradientRows {
  size_t weight = 0;
  int64_t begin = 0;
  int64_t rows = 0;
};

template <class T>
std::vector<at::Tensor> weight_gradients_of(const std::vector<at::Tensor>& gradients_RO,
                                            const at::Tensor& x_RI) {
  const int64_t tokens = x_RI.size(0);
  const int64_t in_features = x_RI.size(1);
  std::vector<at::Tensor> weight_gradients_OI;
  std::vector<GradientRows> tasks;
  for (size_t i = 0; i < gradients_RO.size(); ++i) {
    const int64_t out_features = gradients_RO[i].size(1);
    weight_gradients_OI.push_back(
        at::empty({out_features, in_features}, x_RI.options().dtype(at::kFloat)));
    for (int64_t begin = 0; begin < out_features; begin += kWeightGradientRows) {
      tasks.push_back({i, begin, std::min(kWeightGradientRows, out_features - begin)});
    }
  }
  const at::Tensor panels = pack_tokens<T>(x_RI);
  const int64_t num_tasks = static_cast<int64_t>(tasks.size());
  parallel_chunks(num_tasks, [&](int64_t task) {
    const GradientRows& part = tasks[static_cast<size_t>(task)];
    const at::Tensor& gradient_RO = gradients_RO[part.weight];
    const at::Tensor left_CR = at::empty({part.rows, tokens}, x_RI.options());
    kernels::transpose(kernels::TransposeArgs<T>{const_pointer<T>(gradient_RO), gradient_RO.size(1),
                                                 mutable_pointer<T>(left_CR), tokens, tokens,
                                                 part.begin, part.begin + part.rows});
    MatmulArgs<T> args = product_args<T>(left_CR, panels, weight_gradients_OI[part.weight],
                                         MatmulOutput::kStoreFloat);
    args.out = mutable_pointer<float>(weight_gradients_OI[part.weight]) + part.begin * in_features;
    kernels::matmul(args);
  });
  return weight_gradients_OI;
}

}  // namespace

void output_product(const at::Tensor& x_RI,
                    const at::Tensor& weight_OI,
                    PackedWeight& packed,
                    MatmulOutput output,
                    const at::Tensor& out_RO) {
  divided_matmul(x_RI, packed.transposed(weight_OI, x_RI.scalar_type()), out_RO, output);
}

at::Tensor input_gradient(const std::vector<at::Tensor>& gradients_RO,
                          const std::vector<WeightRef>& weights) {
  const at::ScalarType dtype = gradients_RO.front().scalar_type();
  const std::array<int64_t, 2> sizes = {gradients_RO.front().size(0),
                                        weights.front().weight.size(1)};
  if (weights.size() == 1) {
    at::Tensor gradient_RI = at::empty(sizes, gradients_RO.front().options());
    divided_matmul(gradients_RO.front(),
                   weights.front().packed->straight(weights.front().weight, dtype), gradient_RI,
                   MatmulOutput::kStore);
    return gradient_RI;
  }
  at::Tensor sum_RI = at::empty(sizes, gradients_RO.front().options().dtype(at::kFloat));
  for (size_t i = 0; i < weights.size(); ++i) {
    divided_matmul(gradients_RO[i], weights[i].packed->straight(weights[i].weight, dtype), sum_RI,
                   i == 0 ? MatmulOutput::kStoreFloat : MatmulOutput::kAddFloat);
  }
  return sum_RI.to(dtype);
}

std::vector<at::Tensor> weight_gradients(const std::vector<at::Tensor>& gradients_RO,
                                         const at::Tensor& x_RI) {
  return x_RI.scalar_type() == at::kBFloat16 ? weight_gradients_of<Bfloat16>(gradients_RO, x_RI)
                                             : weight_gradients_of<float>(gradients_RO, x_RI);
}

}  // namespace brt
