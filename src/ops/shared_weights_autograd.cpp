// SPDX-License-Identifier: Apache-2.0
// The node of shared weights as an autograd function.
#include "ops/shared_weights_autograd.h"

#include <torch/csrc/autograd/custom_function.h>

namespace brt {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Saved: nothing.
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

}  // namespace

std::vector<at::Tensor> behind_one_node(const std::vector<at::Tensor>& weights,
                                        const c10::intrusive_ptr<WeightGradientSum>& sum) {
  return ShareWeights::apply(at::TensorList(weights), sum);
}

}  // namespace brt
