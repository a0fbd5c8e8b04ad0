// SPDX-License-Identifier: Apache-2.0
// Weights of 8 bits beside weights of bfloat16.
#include <fmt/format.h>

#include <ATen/ops/empty.h>

#include "kernels/comparison.h"
#include "kernels/int8_matmul.h"
#include "kernels/panels.h"
#include "ops/kernel_pointers.h"
#include "ops/parallel_chunks.h"

namespace brt {
namespace {

using kernels::Bfloat16;
using kernels::kPanelColumns;

constexpr int64_t kDepth = 1024;
constexpr int64_t kTaskPanels = 4;

at::Tensor empty(at::IntArrayRef sizes, at::ScalarType dtype) {
  return at::empty(sizes, at::TensorOptions(dtype));
}

/// A product in tasks of a few panels, packed from weight [columns, kDepth].
struct Product {
  int64_t rows;
  int64_t columns;
  at::Tensor x;
  at::Tensor panels;
  at::Tensor scale;
  at::Tensor sum;

  int64_t tasks() const { return columns / kPanelColumns / kTaskPanels; }
};

Product bfloat16_product(const at::Tensor& x, const at::Tensor& weight) {
  Product made{x.size(0), weight.size(0), x.to(at::kBFloat16), {}, {}, {}};
  const int64_t panels = kernels::num_panels(made.columns);
  made.panels =
      empty({panels * kernels::panel_size(kDepth, static_cast<Bfloat16*>(nullptr))}, at::kBFloat16);
  kernels::pack_columns(kernels::PackArgs<float, Bfloat16>{weight.const_data_ptr<float>(), kDepth,
                                                           mutable_pointer<Bfloat16>(made.panels),
                                                           kDepth, made.columns},
                        0, panels);
  return made;
}

at::Tensor run_bfloat16(const Product& product) {
  at::Tensor out = empty({product.rows, product.columns}, at::kFloat);
  parallel_chunks(product.tasks(), [&](int64_t task) {
    const int64_t panel = task * kTaskPanels;
    kernels::MatmulArgs<Bfloat16> args;
    args.left = const_pointer<Bfloat16>(product.x);
    args.left_stride = kDepth;
    args.panels = const_pointer<Bfloat16>(product.panels) +
                  panel * kernels::panel_size(kDepth, static_cast<Bfloat16*>(nullptr));
    args.out = out.mutable_data_ptr<float>() + panel * kPanelColumns;
    args.out_stride = product.columns;
    args.rows = product.rows;
    args.columns = kTaskPanels * kPanelColumns;
    args.depth = kDepth;
    args.output = kernels::MatmulOutput::kStoreFloat;
    kernels::matmul(args);
  });
  return out;
}

Product int8_product(const at::Tensor& x, const at::Tensor& weight) {
  Product made{x.size(0), weight.size(0), x, {}, {}, {}};
  const int64_t panels = kernels::num_panels(made.columns);
  made.panels = empty({panels * kernels::int8_panel_size(kDepth)}, at::kChar);
  made.scale = empty({made.columns}, at::kFloat);
  made.sum = empty({made.columns}, at::kInt);
  kernels::pack_int8({weight.const_data_ptr<float>(), kDepth,
                      made.panels.mutable_data_ptr<int8_t>(), made.scale.mutable_data_ptr<float>(),
                      made.sum.mutable_data_ptr<int32_t>(), kDepth, made.columns},
                     0, panels);
  return made;
}

at::Tensor run_int8(const Product& product) {
  const at::Tensor high = empty({product.rows, kDepth}, at::kByte);
  const at::Tensor low = empty({product.rows, kDepth}, at::kByte);
  const at::Tensor row_scale = empty({product.rows}, at::kFloat);
  kernels::quantize_rows(
      {product.x.const_data_ptr<float>(), kDepth, high.mutable_data_ptr<uint8_t>(),
       low.mutable_data_ptr<uint8_t>(), kDepth, row_scale.mutable_data_ptr<float>(), kDepth},
      0, product.rows);
  at::Tensor out = empty({product.rows, product.columns}, at::kFloat);
  parallel_chunks(product.tasks(), [&](int64_t task) {
    const int64_t panel = task * kTaskPanels;
    kernels::MatmulInt8Args args;
    args.high = high.const_data_ptr<uint8_t>();
    args.low = low.const_data_ptr<uint8_t>();
    args.left_stride = kDepth;
    args.row_scale = row_scale.const_data_ptr<float>();
    args.panels =
        product.panels.const_data_ptr<int8_t>() + panel * kernels::int8_panel_size(kDepth);
    args.column_scale = product.scale.const_data_ptr<float>() + panel * kPanelColumns;
    args.column_sum = product.sum.const_data_ptr<int32_t>() + panel * kPanelColumns;
    args.out = out.mutable_data_ptr<float>() + panel * kPanelColumns;
    args.out_stride = product.columns;
    args.rows = product.rows;
    args.columns = kTaskPanels * kPanelColumns;
    args.depth = kDepth;
    kernels::matmul_int8(args);
  });
  return out;
}

Comparison comparison(int64_t rows, int64_t columns) {
  Comparison one;
  one.operation = "int8_matmul against bfloat16";
  one.size = fmt::format("R{}_I{}_O{}", rows, kDepth, columns);
  one.operations = 2.0 * static_cast<double>(rows * kDepth * columns);
  one.tolerance = tolerance_of(at::kBFloat16);
  one.make = [rows, columns]() -> std::vector<Form> {
    const at::Tensor x = normal({rows, kDepth}, 1, at::kFloat);
    const at::Tensor weight = normal({columns, kDepth}, 2, at::kFloat);
    const Product bfloat16 = bfloat16_product(x, weight);
    const Product int8 = int8_product(x, weight);
    return {{"bfloat16", forward([bfloat16] { return run_bfloat16(bfloat16); })},
            {"int8", forward([int8] { return run_int8(int8); })}};
  };
  return one;
}

std::vector<Comparison> comparisons() {
  constexpr int64_t kFromMemory = 65536;  // 64 MiB of bytes: no cache holds them
  return {comparison(1, 4096), comparison(1, kFromMemory), comparison(8, 4096),
          comparison(8, kFromMemory), comparison(256, 4096)};
}

const ComparisonFile kFile(comparisons);

}  // namespace
}  // namespace brt
