// SPDX-License-Identifier: Apache-2.0
// Forms of one computation that are timed in turns.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace brt {

using Tensors = std::vector<at::Tensor>;

/// One way to compute it. Inputs are made beforehand and kept; what `run` returns is compared once
/// and otherwise dropped.
struct Form {
  std::string name;
  std::function<Tensors()> run;
};

/// A line of the table.
struct Comparison {
  std::string operation;  ///< the name of the file that holds it, in ops or kernels
  std::string size;       ///< "W512_H8_K64"
  double operations = 0;  ///< floating-point operations of a run; 0: not told
  double tolerance = 0;   ///< greatest difference of results / greatest absolute value of the first
  std::function<std::vector<Form>()> make;  ///< called when first needed; the plain form first
};

/// A file's comparisons: one object of static storage per file.
class ComparisonFile {
 public:
  explicit ComparisonFile(std::vector<Comparison> (*comparisons)());
};

/// Normal numbers of a seed.
at::Tensor normal(at::IntArrayRef sizes, uint64_t seed, at::ScalarType dtype);
/// The same, to be differentiated.
at::Tensor leaf(at::IntArrayRef sizes, uint64_t seed, at::ScalarType dtype);
std::string to_word(at::ScalarType dtype);
/// For results in this dtype.
double tolerance_of(at::ScalarType dtype);

/// The forms "reference" and "fused"; with `out_gradient`, and the gradients of `inputs`.
std::vector<Form> reference_and_fused(const std::function<at::Tensor()>& reference,
                                      const std::function<at::Tensor()>& fused,
                                      const Tensors& inputs,
                                      const at::Tensor& out_gradient);

/// function(), without a gradient.
std::function<Tensors()> forward(std::function<at::Tensor()> function);
/// function() and the gradients of sum(function() * out_gradient) for `inputs`.
std::function<Tensors()> forward_and_backward(std::function<at::Tensor()> function,
                                              Tensors inputs,
                                              at::Tensor out_gradient);

}  // namespace brt
