// SPDX-License-Identifier: Apache-2.0
// Gradients of an op against central differences in float64, for every input.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <vector>

#include <gtest/gtest.h>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include "support/tensors.h"
#include "support/tolerance.h"

namespace brt {

using DifferentiableOp = std::function<at::Tensor(const std::vector<at::Tensor>&)>;

/// (f(x + step) - f(x - step)) / (2 step) in one element of a contiguous float64 tensor.
inline double central_difference(const std::function<double()>& f,
                                 const at::Tensor& x,
                                 int64_t element,
                                 double step = 1e-5) {
  const at::NoGradGuard no_gradient;
  double& value = x.data_ptr<double>()[element];
  const double before = value;
  value = before + step;
  const double above = f();
  value = before - step;
  const double below = f();
  value = before;
  return (above - below) / (2.0 * step);
}

/// Whether autograd's gradient of sum(op(inputs) * c), with random c, equals central differences in
/// every element of every input. Random c and every input element make this a check of the whole
/// Jacobian. Inputs are float64; an op that wants other strides makes them itself.
inline testing::AssertionResult gradients_match(const DifferentiableOp& op,
                                                const std::vector<at::Tensor>& values,
                                                double tolerance = tolerance::kDifferences) {
  std::vector<at::Tensor> inputs;
  for (const at::Tensor& value : values) {
    if (value.scalar_type() != at::kDouble) {
      return testing::AssertionFailure() << "input " << inputs.size() << " is not float64";
    }
    inputs.push_back(value.detach().clone().contiguous().requires_grad_());
  }
  const at::Tensor out = op(inputs);
  const at::Tensor direction = random_tensor(out.sizes(), /*seed=*/99);
  const std::vector<at::Tensor> gradients =
      torch::autograd::grad({(out * direction).sum()}, inputs, {}, /*retain_graph=*/std::nullopt,
                            /*create_graph=*/false, /*allow_unused=*/true);
  const std::function<double()> f = [&] { return (op(inputs) * direction).sum().item<double>(); };
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!gradients[i].defined() && inputs[i].numel() > 0) {
      return testing::AssertionFailure() << "no gradient to input " << i;
    }
    at::Tensor want = at::zeros_like(inputs[i]).detach();
    for (int64_t element = 0; element < inputs[i].numel(); ++element) {
      want.data_ptr<double>()[element] = central_difference(f, inputs[i].detach(), element);
    }
    if (inputs[i].numel() > 0) {
      const testing::AssertionResult same = near(gradients[i], want, tolerance);
      if (!same) {
        return testing::AssertionFailure() << "gradient of input " << i << ": " << same.message();
      }
    }
  }
  return testing::AssertionSuccess();
}

}  // namespace brt
