// SPDX-License-Identifier: Apache-2.0
// The weights of one fused projection or feed-forward network, from its forward to its backward.
#pragma once

#include <memory>
#include <vector>

#include <ATen/core/ivalue.h>

#include "ops/packed_weight.h"
#include "ops/shared_weights.h"

namespace brt {

/// What backward needs of the weights beside their numbers, kept alive by the graph.
struct WeightsOfUse : public torch::CustomClassHolder {
  std::vector<std::shared_ptr<PackedWeight>> packed;  ///< one a weight
  std::vector<SharedWeights> groups;

  /// Adds a weight's kept forms, or new ones for this use.
  void add_forms(const WeightRef& weight);

  /// Adds a use to the sum of a group. @return what the use gives autograd for the group's weights
  std::vector<at::Tensor> add_use(size_t group, WeightGradientTerm term) const;
};

}  // namespace brt
