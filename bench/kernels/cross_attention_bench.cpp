// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "kernels/comparison.h"
#include "ops/cross_attention.h"
#include "ops/unit_length.h"

namespace brt {
namespace {

constexpr int64_t kHeads = 8;
constexpr int64_t kHeadSize = 64;

Comparison comparison(int64_t queries, int64_t keys, at::ScalarType dtype, bool with_gradient) {
  Comparison one;
  one.operation = with_gradient ? "cross_attention and gradient" : "cross_attention";
  one.size = fmt::format("R{}_J{}_H{}_K{}_{}", queries, keys, kHeads, kHeadSize, to_word(dtype));
  one.operations =
      (with_gradient ? 7.0 : 2.0) * 2.0 * static_cast<double>(queries * keys * kHeads * kHeadSize);
  one.tolerance = tolerance_of(dtype);
  one.make = [queries, keys, dtype, with_gradient]() -> std::vector<Form> {
    const Tensors in = {
        unit_length(normal({1, queries, kHeads, kHeadSize}, 1, dtype)).requires_grad_(),
        unit_length(normal({1, keys, kHeads, kHeadSize}, 2, dtype)).requires_grad_(),
        leaf({1, keys, kHeads, kHeadSize}, 3, dtype), leaf({kHeads}, 4, at::kFloat)};
    const auto plain = [in] { return cross_attention_reference(in[0], in[1], in[2], in[3]); };
    const auto fused = [in] { return cross_attention(in[0], in[1], in[2], in[3]); };
    return reference_and_fused(
        plain, fused, in,
        with_gradient ? normal({1, queries, kHeads, kHeadSize}, 5, dtype) : at::Tensor());
  };
  return one;
}

std::vector<Comparison> comparisons() {
  std::vector<Comparison> all;
  for (const bool with_gradient : {false, true}) {
    all.push_back(comparison(512, 512, at::kBFloat16, with_gradient));   // tokens over states
    all.push_back(comparison(512, 1024, at::kBFloat16, with_gradient));  // states over tokens
    all.push_back(comparison(512, 1024, at::kFloat, with_gradient));
  }
  return all;
}

const ComparisonFile kFile(comparisons);

}  // namespace
}  // namespace brt
