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
    return reference_and_fused(plain, fused, in,
                               with_gradient ? normal({4096, 8, 64}, 2, dtype) : at::Tensor());
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
