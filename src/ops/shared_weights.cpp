// SPDX-License-Identifier: Apache-2.0
// A group of weights as the uses of one autograd graph see it.
#include "ops/shared_weights.h"

#include <memory>

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

namespace brt {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// The node. Saved: nothing.
struct ShareWeights : public torch::autograd::Function<ShareWeights> {
  static variable_list forward(AutogradContext* context,
                               at::TensorList weights,
                               const c10::intrusive_ptr<WeightGradientSum>& sum) {
    context->set_materialize_grads(false);
    context->saved_data["sum"] = c10::IValue::make_capsule(sum);
    variable_list same;
    for (const at::Tensor& weight : weights) {
      same.push_back(weight.detach());  // one memory and one version with the weight
    }
    return same;
  }

  /// Its outputs get no gradients: all of their uses add to the sum.
  static variable_list backward(AutogradContext* context, const variable_list& /*gradients*/) {
    const auto sum = c10::static_intrusive_pointer_cast<WeightGradientSum>(
        context->saved_data["sum"].toCapsule());
    variable_list result = sum->take();
    result.emplace_back();  // the sum itself
    return result;
  }
};

/// Whether a graph's uses of these weights in this form can go on with this. Once backward has
/// begun they are another graph's.
bool serves(const SharedWeights& shared,
            const std::vector<WeightRef>& weights,
            WeightGradientSum::Form form) {
  bool same = !shared.sum->has_begun() && shared.sum->form() == form &&
              shared.weights.size() == weights.size();
  for (size_t i = 0; same && i < weights.size(); ++i) {
    same = shared.weights[i].is_alias_of(weights[i].weight) &&
           shared.weights[i].sizes() == weights[i].weight.sizes();
  }
  return same;
}

}  // namespace

SharedWeights shared_weights(const std::vector<WeightRef>& weights, WeightGradientSum::Form form) {
  variable_list tensors;
  bool has_forms = true;
  for (const WeightRef& weight : weights) {
    tensors.push_back(weight.weight);
    has_forms = has_forms && weight.packed;
  }
  if (!has_forms || !at::GradMode::is_enabled() || !tensors.front().requires_grad()) {
    return {tensors, c10::make_intrusive<WeightGradientSum>(weights.size(), form)};
  }
  std::shared_ptr<SharedWeights>& kept = weights.front().packed->shared;
  if (!kept || !serves(*kept, weights, form)) {
    kept = std::make_shared<SharedWeights>();
    kept->has_node = true;
    kept->sum = c10::make_intrusive<WeightGradientSum>(weights.size(), form);
    kept->weights = ShareWeights::apply(at::TensorList(tensors), kept->sum);
  }
  return *kept;
}

}  // namespace brt
