// SPDX-License-Identifier: Apache-2.0
// The weights of one use, from its forward to its backward.
#include "ops/weights_of_use.h"

#include <utility>

namespace brt {

void WeightsOfUse::add_forms(const WeightRef& weight) {
  packed.push_back(weight.packed ? weight.packed : std::make_shared<PackedWeight>());
}

std::vector<at::Tensor> WeightsOfUse::add_use(size_t group, WeightGradientTerm term) const {
  const size_t num_weights = term.gradients_RO.size();
  const SharedWeights& shared = groups[group];
  shared.sum->add(std::move(term));
  return shared.has_node ? std::vector<at::Tensor>(num_weights) : shared.sum->take();
}

}  // namespace brt
