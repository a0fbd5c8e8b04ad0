// SPDX-License-Identifier: Apache-2.0
#include "kernels/comparison.h"
#include "ops/rms_norm.h"

namespace brt {
namespace {

constexpr int64_t kRows = 4096;
constexpr int64_t kWidth = 1024;

Comparison comparison(at::ScalarType out_dtype, bool with_gradient) {
  Comparison one;
  one.operation = with_gradient ? "rms_norm and gradient" : "rms_norm";
  one.size = "R4096_D1024_to_" + to_word(out_dtype);
  one.tolerance = tolerance_of(out_dtype);
  one.make = [out_dtype, with_gradient]() -> std::vector<Form> {
    const Tensors in = {leaf({kRows, kWidth}, 1, at::kFloat), leaf({kWidth}, 2, at::kFloat)};
    const auto plain = [in, out_dtype] { return rms_norm_reference(in[0], in[1], out_dtype); };
    const auto fused = [in, out_dtype] { return rms_norm(in[0], in[1], out_dtype); };
    return reference_and_fused(
        plain, fused, in, with_gradient ? normal({kRows, kWidth}, 3, out_dtype) : at::Tensor());
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
