// SPDX-License-Identifier: Apache-2.0
// The node of shared weights: for ops/shared_weights.cpp alone.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>
#include <c10/util/intrusive_ptr.h>

#include "ops/weight_gradient_sum.h"

namespace brt {

/// The weights with one new node as their history. In backward it runs after all uses of them, and
/// gives the weights what these have added to the sum.
std::vector<at::Tensor> behind_one_node(const std::vector<at::Tensor>& weights,
                                        const c10::intrusive_ptr<WeightGradientSum>& sum);

}  // namespace brt
