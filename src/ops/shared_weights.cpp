// SPDX-License-Identifier: Apache-2.0
// Groups of weights as the uses of one forward pass see them.
#include "ops/shared_weights.h"

#include <algorithm>

#include <ATen/core/grad_mode.h>

#include "ops/shared_weights_autograd.h"

namespace brt {

const SharedWeights& WeightUses::group(const std::vector<at::Tensor>& weights,
                                       WeightGradientSum::Form form) {
  const auto same = [](const at::Tensor& a, const at::Tensor& b) { return a.is_same(b); };
  const auto found = std::ranges::find_if(groups_, [&](const Group& group) {
    return group.shared.sum->form() == form && std::ranges::equal(group.weights, weights, same);
  });
  if (found != groups_.end()) {
    return found->shared;
  }
  SharedWeights shared;
  shared.has_node = true;
  shared.sum = c10::make_intrusive<WeightGradientSum>(weights.size(), form);
  shared.weights = behind_one_node(weights, shared.sum);
  return groups_.emplace_back(Group{weights, shared}).shared;
}

SharedWeights shared_weights(const std::vector<WeightRef>& weights, WeightGradientSum::Form form) {
  std::vector<at::Tensor> tensors;
  for (const WeightRef& weight : weights) {
    tensors.push_back(weight.weight);
  }
  const std::shared_ptr<WeightUses>& uses = weights.front().uses;
  if (!uses || !at::GradMode::is_enabled() || !tensors.front().requires_grad()) {
    return {tensors, c10::make_intrusive<WeightGradientSum>(weights.size(), form)};
  }
  return uses->group(tensors, form);
}

}  // namespace brt
