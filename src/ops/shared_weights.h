// SPDX-License-Identifier: Apache-2.0
// Groups of weights as the uses of one forward pass see them.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>
#include <c10/util/intrusive_ptr.h>

#include "ops/packed_weight.h"
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

/// The groups that a forward pass has used. Made for one pass, and given to every use of a weight
/// in it (WeightRef::uses); a second graph, such as that of a recomputation, takes another.
class WeightUses {
 public:
  /// The group of these weights: new at its first use, the same at later ones.
  const SharedWeights& group(const std::vector<at::Tensor>& weights, WeightGradientSum::Form form);

 private:
  struct Group {
    std::vector<at::Tensor> weights;  ///< as they were given
    SharedWeights shared;
  };
  std::vector<Group> groups_;
};

/// The group for one use.
/// @param weights  at least one, with gradients or not alike, and of one pass. Without gradients,
/// or without WeightRef::uses, nothing is shared: the weights themselves and a sum for one use
SharedWeights shared_weights(const std::vector<WeightRef>& weights,
                             WeightGradientSum::Form form = WeightGradientSum::Form::kStraight);

}  // namespace brt
