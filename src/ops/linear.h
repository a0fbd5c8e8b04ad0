// SPDX-License-Identifier: Apache-2.0
// Products with weight matrices, in the compute precision.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "ops/packed_weight.h"

namespace brt {

/// y_i = x weight_i^T for several weights of the same x, computed in `dtype`.
///
/// model.md, "Linear". @param x [..., in] any floating dtype
/// @return [..., out_i] of `dtype` each. Gradient to x and every weight. Sums are float32 (float64
/// if that is `dtype`), and do not depend on the number of rows or threads.
std::vector<at::Tensor> linear_group(const at::Tensor& x,
                                     const std::vector<WeightRef>& weights,
                                     at::ScalarType dtype);

/// linear_group of one weight.
at::Tensor linear(const at::Tensor& x, const WeightRef& weight, at::ScalarType dtype);

/// max(x weight^T, 0), as linear.
at::Tensor linear_relu(const at::Tensor& x, const WeightRef& weight, at::ScalarType dtype);

/// residual + x weight^T: the product is not rounded to `dtype` before it is added.
/// @param residual [..., out] float32 (float64 if that is `dtype`)  @return as residual
at::Tensor linear_add(const at::Tensor& residual,
                      const at::Tensor& x,
                      const WeightRef& weight,
                      at::ScalarType dtype);

/// linear in plain ATen: the definition, and what runs in float64 and on other devices.
at::Tensor linear_reference(const at::Tensor& x, const at::Tensor& weight, at::ScalarType dtype);

}  // namespace brt
