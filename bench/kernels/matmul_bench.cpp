// SPDX-License-Identifier: Apache-2.0
// Products with packed weights beside LibTorch's.
#include <memory>

#include <fmt/format.h>

#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>

#include "kernels/comparison.h"
#include "kernels/matmul.h"
#include "ops/linear.h"
#include "ops/linear_products.h"

namespace brt {
namespace {

constexpr int64_t kIn = 1024;
constexpr int64_t kOut = 4096;

/// The product alone: weights are in the compute dtype, and packed, beforehand.
Comparison product(int64_t rows, at::ScalarType dtype) {
  Comparison one;
  one.operation = "matmul";
  one.size = fmt::format("R{}_I{}_O{}_{}", rows, kIn, kOut, to_word(dtype));
  one.operations = 2.0 * static_cast<double>(rows * kIn * kOut);
  one.tolerance = tolerance_of(dtype);
  one.make = [rows, dtype]() -> std::vector<Form> {
    const at::Tensor x = normal({rows, kIn}, 1, dtype);
    const at::Tensor weight = normal({kOut, kIn}, 2, at::kFloat);
    const at::Tensor transposed = weight.to(dtype).t();
    const auto packed = std::make_shared<PackedWeight>();
    const auto ours = [x, weight, packed, rows, dtype] {
      const at::Tensor out = at::empty({rows, kOut}, at::TensorOptions(dtype));
      output_product(x, weight, *packed, kernels::MatmulOutput::kStore, out);
      return out;
    };
    return {{"at::mm", forward([x, transposed] { return at::mm(x, transposed); })},
            {"packed", forward(ours)}};
  };
  return one;
}

/// A linear map of a training step, whose weights changed since: they are cast, and packed, again.
Comparison linear_map(int64_t rows, at::ScalarType dtype) {
  Comparison one;
  one.operation = "linear and gradient";
  one.size = fmt::format("R{}_I{}_O{}_{}", rows, kIn, kOut, to_word(dtype));
  one.operations = 3.0 * 2.0 * static_cast<double>(rows * kIn * kOut);
  one.tolerance = tolerance_of(dtype);
  one.make = [rows, dtype]() -> std::vector<Form> {
    const Tensors in = {leaf({rows, kIn}, 1, dtype), leaf({kOut, kIn}, 2, at::kFloat)};
    const at::Tensor gradient = normal({rows, kOut}, 3, dtype);
    const auto plain = [in, dtype] { return linear_reference(in[0], in[1], dtype); };
    const auto ours = [in, dtype] { return linear(in[0], WeightRef(in[1]), dtype); };
    return {{"at::linear", forward_and_backward(plain, in, gradient)},
            {"packed", forward_and_backward(ours, in, gradient)}};
  };
  return one;
}

std::vector<Comparison> comparisons() {
  std::vector<Comparison> all;
  for (const at::ScalarType dtype : {at::kBFloat16, at::kFloat}) {
    for (const int64_t rows : {1, 8, 64, 2048}) {
      all.push_back(product(rows, dtype));
    }
    all.push_back(linear_map(2048, dtype));
  }
  return all;
}

const ComparisonFile kFile(comparisons);

}  // namespace
}  // namespace brt
