// SPDX-License-Identifier: Apache-2.0
#include "kernels/comparison.h"
#include "ops/unit_length.h"

namespace brt {
namespace {

Comparison comparison(at::ScalarType dtype, bool with_gradient) {
  Comparison one;
  one.operation = with_gradient ? "unit_length and gradient" : "unit_length";
  one.size = "N4096_H8_K64_" + to_word(dtype);
  one.tolerance = tolerance_of(dtype);
  one.make = [dtype, with_gradient]() -> std::vector<Form> {
    const Tensors in = {leaf({4096, 8, 64}, 1, dtype)};
    const auto plain = [in] { return unit_length_reference(in[0]); };
    const auto fused = [in] { return unit_length(in[0]); };
    if (!with_gradient) {
      return {{"reference", forward(plain)}, {"fused", forward(fused)}};
    }
    const at::Tensor gradient = normal({4096, 8, 64}, 2, dtype);
    return {{"reference", forward_and_backward(plain, in, gradient)},
            {"fused", forward_and_backward(fused, in, gradient)}};
  };
  return one;
}

std::vector<Comparison> comparisons() {
  return {comparison(at::kFloat, false), comparison(at::kBFloat16, false),
          comparison(at::kFloat, true), comparison(at::kBFloat16, true)};
}

const ComparisonFile kFile(comparisons);

}  // namespace
}  // namespace brt
