// SPDX-License-Identifier: Apache-2.0
// Recomputation in backward as an autograd function.
#include "model/recompute.h"

#include <memory>

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

namespace brt {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// What backward needs beside tensors; kept alive by the graph through a custom holder.
struct Call : public torch::CustomClassHolder {
  TensorFunction function;
  size_t num_inputs = 0;
};

/// Saved: inputs, then parameters.
struct Recompute : public torch::autograd::Function<Recompute> {
  static variable_list forward(AutogradContext* context,
                               const c10::intrusive_ptr<Call>& call,
                               at::TensorList tensors) {
    context->saved_data["call"] = c10::IValue::make_capsule(call);
    context->save_for_backward(tensors.vec());
    return call->function(tensors.slice(0, call->num_inputs).vec());
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto call =
        c10::static_intrusive_pointer_cast<Call>(context->saved_data["call"].toCapsule());
    const variable_list saved = context->get_saved_variables();
    const at::AutoGradMode with_gradients(true);
    variable_list inputs;
    for (size_t i = 0; i < call->num_inputs; ++i) {
      inputs.push_back(saved[i].detach().set_requires_grad(saved[i].requires_grad()));
    }
    const variable_list outputs = call->function(inputs);

    variable_list wanted;
    for (size_t i = 0; i < saved.size(); ++i) {
      const at::Tensor& tensor = i < call->num_inputs ? inputs[i] : saved[i];
      if (tensor.requires_grad()) {
        wanted.push_back(tensor);
      }
    }
    variable_list used_outputs;
    variable_list used_gradients;
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (outputs[i].requires_grad() && gradients[i].defined()) {
        used_outputs.push_back(outputs[i]);
        used_gradients.push_back(gradients[i]);
      }
    }
    const variable_list found =
        torch::autograd::grad(used_outputs, wanted, used_gradients, /*retain_graph=*/std::nullopt,
                              /*create_graph=*/false, /*allow_unused=*/true);
    variable_list result = {at::Tensor()};  // the call itself
    size_t next = 0;
    for (size_t i = 0; i < saved.size(); ++i) {
      const at::Tensor& tensor = i < call->num_inputs ? inputs[i] : saved[i];
      result.push_back(tensor.requires_grad() ? found[next++] : at::Tensor());
    }
    return result;
  }
};

}  // namespace

std::vector<at::Tensor> recompute_in_backward(const TensorFunction& function,
                                              const std::vector<at::Tensor>& inputs,
                                              const std::vector<at::Tensor>& parameters) {
  const c10::intrusive_ptr<Call> call = c10::make_intrusive<Call>();
  call->function = function;
  call->num_inputs = inputs.size();
  variable_list tensors(inputs.begin(), inputs.end());
  tensors.insert(tensors.end(), parameters.begin(), parameters.end());
  // A TensorList: autograd does not look for tensors inside a std::vector.
  return Recompute::apply(call, at::TensorList(tensors));
}

}  // namespace brt
