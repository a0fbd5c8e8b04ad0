// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "kernels/comparison.h"
#include "ops/unit_length.h"
#include "ops/window_attention.h"

namespace brt {
namespace {

constexpr int64_t kTokens = 4096;
constexpr int64_t kHeadSize = 64;

struct Inputs {
  at::Tensor query_BNHK;
  at::Tensor keys_BMHK;
  at::Tensor values_BMHK;
  WindowAttentionOptions options;

  Inputs(int64_t window, int64_t heads, at::ScalarType dtype)
      : query_BNHK(unit_length(normal({1, kTokens, heads, kHeadSize}, 1, dtype))),
        keys_BMHK(unit_length(normal({1, window + kTokens, heads, kHeadSize}, 2, dtype))),
        values_BMHK(leaf({1, window + kTokens, heads, kHeadSize}, 3, dtype)) {
    query_BNHK.requires_grad_();
    keys_BMHK.requires_grad_();
    options.window = window;
    options.bias_HW = leaf({heads, window}, 4, at::kFloat);
    options.scale_H = leaf({heads}, 5, at::kFloat);
  }
  Tensors tensors() const {
    return {query_BNHK, keys_BMHK, values_BMHK, options.bias_HW, options.scale_H};
  }
};

Comparison comparison(int64_t window, int64_t heads, at::ScalarType dtype, bool with_gradient) {
  Comparison one;
  one.operation = with_gradient ? "window_attention and gradient" : "window_attention";
  one.size = fmt::format("W{}_H{}_K{}_N{}_{}", window, heads, kHeadSize, kTokens, to_word(dtype));
  // Each of the products of forward (2) and backward (5) over the visible keys.
  one.operations =
      (with_gradient ? 7.0 : 2.0) * 2.0 * static_cast<double>(kTokens * window * heads * kHeadSize);
  one.tolerance = tolerance_of(dtype);
  one.make = [window, heads, dtype, with_gradient]() -> std::vector<Form> {
    const Inputs in(window, heads, dtype);
    const auto plain = [in] {
      return window_attention_reference(in.query_BNHK, in.keys_BMHK, in.values_BMHK, in.options);
    };
    const auto fused = [in] {
      return window_attention(in.query_BNHK, in.keys_BMHK, in.values_BMHK, in.options);
    };
    return reference_and_fused(
        plain, fused, in.tensors(),
        with_gradient ? normal({1, kTokens, heads, kHeadSize}, 6, dtype) : at::Tensor());
  };
  return one;
}

std::vector<Comparison> comparisons() {
  std::vector<Comparison> all;
  for (const bool with_gradient : {false, true}) {
    for (const int64_t window : {128, 512, 1024}) {
      all.push_back(comparison(window, 8, at::kBFloat16, with_gradient));
    }
    all.push_back(comparison(512, 8, at::kFloat, with_gradient));
  }
  return all;
}

const ComparisonFile kFile(comparisons);

}  // namespace
}  // namespace brt
