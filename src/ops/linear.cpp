// SPDX-License-Identifier: Apache-2.0
// Products with weight matrices: checks, the plain form, and the choice of the fused one.
#include "ops/linear.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/relu.h>

#include "ops/kernel_pointers.h"
#include "ops/linear_autograd.h"
#include "ops/shape_check.h"

namespace brt {
namespace {

void check_weight(const at::Tensor& x, const at::Tensor& weight) {
  check_shape("linear", "weight", weight, {-1, x.size(-1)});
}

}  // namespace

at::Tensor linear_reference(const at::Tensor& x, const at::Tensor& weight, at::ScalarType dtype) {
  return at::linear(x.to(dtype), weight.to(dtype));
}

std::vector<at::Tensor> linear_group(const at::Tensor& x,
                                     const std::vector<WeightRef>& weights,
                                     at::ScalarType dtype) {
  bool fused = true;
  for (const WeightRef& weight : weights) {
    check_weight(x, weight.weight);
    fused = fused && is_linear_fused(x, weight.weight, dtype);
  }
  if (fused) {
    return fused_linear_group(x.to(dtype), weights, LinearOutput::kPlain, at::Tensor());
  }
  std::vector<at::Tensor> outputs;
  for (const WeightRef& weight : weights) {
    outputs.push_back(linear_reference(x, weight.weight, dtype));
  }
  return outputs;
}

at::Tensor linear(const at::Tensor& x, const WeightRef& weight, at::ScalarType dtype) {
  return linear_group(x, {weight}, dtype).front();
}

at::Tensor linear_relu(const at::Tensor& x, const WeightRef& weight, at::ScalarType dtype) {
  check_weight(x, weight.weight);
  if (is_linear_fused(x, weight.weight, dtype)) {
    return fused_linear_group(x.to(dtype), {weight}, LinearOutput::kRelu, at::Tensor()).front();
  }
  return at::relu(linear_reference(x, weight.weight, dtype));
}

at::Tensor linear_add(const at::Tensor& residual,
                      const at::Tensor& x,
                      const WeightRef& weight,
                      at::ScalarType dtype) {
  check_weight(x, weight.weight);
  if (is_linear_fused(x, weight.weight, dtype) && is_float32_for_kernels(residual)) {
    return fused_linear_group(x.to(dtype), {weight}, LinearOutput::kAdd, residual).front();
  }
  return residual + linear_reference(x, weight.weight, dtype);
}

}  // namespace brt
