// SPDX-License-Identifier: Apache-2.0
#include "kernels/comparison.h"
#include "ops/gates.h"

namespace brt {
namespace {

constexpr int64_t kStates = 2048;  // of all lanes
constexpr int64_t kWidth = 1024;

using Gate = at::Tensor (*)(const Tensors& in);

Comparison comparison(const std::string& name, Gate plain, Gate fused, bool with_gradient) {
  Comparison one;
  one.operation = "gates: " + name + (with_gradient ? " and gradient" : "");
  one.size = "R2048_D1024_fp32";
  one.tolerance = tolerance_of(at::kFloat);
  one.make = [name, plain, fused, with_gradient]() -> std::vector<Form> {
    Tensors in = {leaf({kStates, kWidth}, 1, at::kFloat), leaf({kStates, kWidth}, 2, at::kFloat)};
    if (name == "fixed") {
      in.push_back(leaf({kWidth}, 3, at::kFloat));
    } else {
      in.push_back(leaf({kStates, kWidth}, 3, at::kFloat));
      in.push_back(leaf({kStates, kWidth}, 4, at::kFloat));
    }
    const auto run_plain = [in, plain] { return plain(in); };
    const auto run_fused = [in, fused] { return fused(in); };
    return reference_and_fused(
        run_plain, run_fused, in,
        with_gradient ? normal({kStates, kWidth}, 5, at::kFloat) : at::Tensor());
  };
  return one;
}

std::vector<Comparison> comparisons() {
  const Gate plain_fixed = [](const Tensors& in) {
    return fixed_gate_reference(in[0], in[1], in[2]);
  };
  const Gate fixed = [](const Tensors& in) { return fixed_gate(in[0], in[1], in[2]); };
  const Gate plain_lstm = [](const Tensors& in) {
    return lstm_gate_reference(in[0], in[1], in[2], in[3]);
  };
  const Gate lstm = [](const Tensors& in) { return lstm_gate(in[0], in[1], in[2], in[3]); };
  return {comparison("fixed", plain_fixed, fixed, false),
          comparison("fixed", plain_fixed, fixed, true),
          comparison("lstm", plain_lstm, lstm, false), comparison("lstm", plain_lstm, lstm, true)};
}

const ComparisonFile kFile(comparisons);

}  // namespace
}  // namespace brt
