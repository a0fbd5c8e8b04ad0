// SPDX-License-Identifier: Apache-2.0
// A group of weights as the uses of one autograd graph see it.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>
#include <c10/util/intrusive_ptr.h>

#include "ops/linear.h"
#include "ops/weight_gradient_sum.h"

namespace brt {

/// What the uses of a group of weights in one graph share: a node between them and the weights. The
/// backward pass of a use adds to the sum and gives the node nothing; the engine runs the node
/// after all of them, and it passes the sum on. So a weight gets one gradient however many uses it
/// has, without a tensor of its size for each.
struct SharedWeights {
  std::vector<at::Tensor> weights;  ///< the same numbers, with the node as their history
  c10::intrusive_ptr<WeightGradientSum> sum;
  bool has_node = false;  ///< else the weights are their own history, and the sum is one use's
};

/// The group for the current use: new in a graph's first use, the same in later ones.
/// @param weights  at least one, with gradients or not alike. Without gradients, or without kept
/// forms, nothing is shared: the weights themselves and a sum for one use
SharedWeights shared_weights(const std::vector<WeightRef>& weights,
                             WeightGradientSum::Form form = WeightGradientSum::Form::kStraight);

}  // namespace brt
