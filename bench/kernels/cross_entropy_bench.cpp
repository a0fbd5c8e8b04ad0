// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>

#include "kernels/comparison.h"
#include "ops/cross_entropy.h"

namespace brt {
namespace {

constexpr int64_t kRows = 1024;
constexpr int64_t kWidth = 512;

Comparison comparison(int64_t entries, at::ScalarType dtype) {
  Comparison one;
  one.operation = "cross_entropy and gradient";
  one.size = fmt::format("R{}_D{}_V{}_{}", kRows, kWidth, entries, to_word(dtype));
  one.operations = 3.0 * 2.0 * static_cast<double>(kRows * kWidth * entries);
  one.tolerance = tolerance_of(dtype);
  one.make = [entries, dtype]() -> std::vector<Form> {
    const Tensors in = {leaf({kRows, kWidth}, 1, at::kFloat),
                        leaf({entries, kWidth}, 2, at::kFloat)};
    const at::Tensor target_R =
        normal({kRows}, 3, at::kFloat).abs().mul(1e6).to(at::kLong).remainder(entries);
    const at::Tensor weight_R = at::full({kRows}, 1.0 / kRows, at::TensorOptions(at::kFloat));
    const at::Tensor one_gradient = at::ones({}, at::TensorOptions(at::kFloat));
    const auto plain = [in, target_R, weight_R, dtype] {
      return weighted_cross_entropy_reference(in[0], in[1], target_R, weight_R, dtype);
    };
    const auto fused = [in, target_R, weight_R, dtype] {
      return weighted_cross_entropy(in[0], in[1], target_R, weight_R, dtype);
    };
    return reference_and_fused(plain, fused, in, one_gradient);
  };
  return one;
}

std::vector<Comparison> comparisons() {
  return {comparison(8192, at::kBFloat16), comparison(32000, at::kBFloat16),
          comparison(8192, at::kFloat)};
}

const ComparisonFile kFile(comparisons);

}  // namespace
}  // namespace brt
