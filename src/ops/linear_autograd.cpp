// SPDX-License-Identifier: Apache-2.0
// The fused linear maps as an autograd function.
#include "ops/linear_autograd.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include <ATen/ops/empty.h>
#include <ATen/ops/threshold_backward.h>
#include <ATen/record_function.h>
#include <torch/csrc/autograd/custom_function.h>

#include "ops/linear_products.h"
#include "ops/shared_weights.h"

namespace brt {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// What backward needs of the weights beside their numbers, kept alive by the graph.
struct WeightsOfUse : public torch::CustomClassHolder {
  std::vector<std::shared_ptr<PackedWeight>> packed;
  std::vector<SharedWeights> groups;

  /// Adds a use to the sum of a group. @return what the use gives autograd for the group's weights
  variable_list add_use(size_t group, WeightGradientTerm term) const {
    const size_t num_weights = term.gradients_RO.size();
    const SharedWeights& shared = groups[group];
    shared.sum->add(std::move(term));
    return shared.has_node ? variable_list(num_weights) : shared.sum->take();
  }
};

c10::intrusive_ptr<WeightsOfUse> weights_of_use(AutogradContext* context) {
  return c10::static_intrusive_pointer_cast<WeightsOfUse>(
      context->saved_data["weights"].toCapsule());
}

/// The weight's kept forms, or new ones for this call.
std::shared_ptr<PackedWeight> forms_of(const WeightRef& weight) {
  return weight.packed ? weight.packed : std::make_shared<PackedWeight>();
}

std::vector<int64_t> output_sizes(const at::Tensor& x, const at::Tensor& weight) {
  std::vector<int64_t> sizes = x.sizes().vec();
  sizes.back() = weight.size(0);
  return sizes;
}

at::Tensor output_of(const at::Tensor& x_RI,
                     const WeightRef& weight,
                     LinearOutput output,
                     const at::Tensor& residual_RO) {
  const int64_t out_features = weight.weight.size(0);
  if (output == LinearOutput::kAdd) {
    at::Tensor sum_RO = at::empty(residual_RO.sizes(), residual_RO.options());
    output_sum(residual_RO.contiguous(), x_RI, weight.weight, *weight.packed, sum_RO);
    return sum_RO;
  }
  at::Tensor out_RO = at::empty({x_RI.size(0), out_features}, x_RI.options());
  output_product(x_RI, weight.weight, *weight.packed,
                 output == LinearOutput::kRelu ? kernels::MatmulOutput::kStoreRelu
                                               : kernels::MatmulOutput::kStore,
                 out_RO);
  return out_RO;
}

/// Saved: x [..., in], output [..., out] (kRelu only, else x again), weights [out_i, in].
struct FusedLinear : public torch::autograd::Function<FusedLinear> {
  static variable_list forward(AutogradContext* context,
                               const at::Tensor& x,
                               const std::optional<at::Tensor>& residual,
                               at::TensorList weights,
                               const c10::intrusive_ptr<WeightsOfUse>& use,
                               int64_t output) {
    context->set_materialize_grads(false);
    const LinearOutput kind = static_cast<LinearOutput>(output);
    const at::Tensor x_RI = x.contiguous().view({-1, x.size(-1)});
    variable_list outputs;
    for (size_t i = 0; i < weights.size(); ++i) {
      const at::Tensor residual_RO =
          kind == LinearOutput::kAdd ? residual->reshape({-1, weights[i].size(0)}) : at::Tensor();
      outputs.push_back(output_of(x_RI, {weights[i], use->packed[i]}, kind, residual_RO)
                            .view(output_sizes(x, weights[i])));
    }
    variable_list saved = {x_RI, kind == LinearOutput::kRelu ? outputs.front() : x_RI};
    saved.insert(saved.end(), weights.begin(), weights.end());
    context->save_for_backward(std::move(saved));
    context->saved_data["weights"] = c10::IValue::make_capsule(use);
    context->saved_data["output"] = output;
    context->saved_data["sizes"] = x.sizes().vec();
    return outputs;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& x_RI = saved[0];
    const c10::intrusive_ptr<WeightsOfUse> use = weights_of_use(context);
    const LinearOutput kind = static_cast<LinearOutput>(context->saved_data["output"].toInt());
    const size_t num_weights = saved.size() - 2;
    // In the order of forward's tensors: x, residual, weights; then what is no tensor.
    variable_list result(2 + num_weights + 2);
    if (kind == LinearOutput::kAdd) {
      result[1] = gradients.front();
    }
    WeightGradientTerm term{x_RI, variable_list(num_weights)};
    std::vector<WeightRef> weights;
    std::vector<at::Tensor> gradients_RO;
    for (size_t i = 0; i < num_weights; ++i) {
      if (!gradients[i].defined()) {
        continue;
      }
      at::Tensor gradient = gradients[i].to(x_RI.scalar_type());
      if (kind == LinearOutput::kRelu) {
        gradient = at::threshold_backward(gradient, saved[1], 0);
      }
      weights.push_back({saved[2 + i], use->packed[i]});
      gradients_RO.push_back(gradient.contiguous().view({-1, saved[2 + i].size(0)}));
      term.gradients_RO[i] = gradients_RO.back();
    }
    if (weights.empty()) {
      return result;
    }
    if (context->needs_input_grad(0)) {
      result[0] =
          input_gradient(gradients_RO, weights).view(context->saved_data["sizes"].toIntVector());
    }
    // Only tensors that were given count: x, residual (kAdd), weights.
    if (context->needs_input_grad(kind == LinearOutput::kAdd ? 2 : 1)) {
      const variable_list found = use->add_use(0, std::move(term));
      std::copy(found.begin(), found.end(), result.begin() + 2);
    }
    return result;
  }
};

/// Saved: x [R, in], hidden [R, F], up [F, in], down [out, F].
struct FusedFeedForward : public torch::autograd::Function<FusedFeedForward> {
  static at::Tensor forward(AutogradContext* context,
                            const at::Tensor& residual,
                            const at::Tensor& x,
                            const at::Tensor& up,
                            const at::Tensor& down,
                            const c10::intrusive_ptr<WeightsOfUse>& use) {
    const at::Tensor x_RI = x.contiguous().view({-1, x.size(-1)});
    const at::Tensor residual_RO = residual.reshape({-1, down.size(0)}).contiguous();
    const at::Tensor hidden_RF = at::empty({x_RI.size(0), up.size(0)}, x_RI.options());
    const at::Tensor sum_RO = at::empty(residual_RO.sizes(), residual_RO.options());
    feed_forward_products({residual_RO, x_RI, hidden_RF, sum_RO}, {up, use->packed[0]},
                          {down, use->packed[1]});
    context->save_for_backward({x_RI, hidden_RF, up, down});
    context->saved_data["weights"] = c10::IValue::make_capsule(use);
    context->saved_data["sizes"] = x.sizes().vec();
    return sum_RO.view(residual.sizes());
  }

  /// The gradient of down takes the narrower of its operands as the one to lay out as panels.
  static WeightGradientSum::Form down_form(const at::Tensor& down) {
    return down.size(0) < down.size(1) ? WeightGradientSum::Form::kTransposed
                                       : WeightGradientSum::Form::kStraight;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& x_RI = saved[0];
    const at::Tensor& hidden_RF = saved[1];
    const c10::intrusive_ptr<WeightsOfUse> use = weights_of_use(context);
    const at::Tensor gradient_RO =
        gradients.front().to(x_RI.scalar_type()).contiguous().view({-1, saved[3].size(0)});
    const FeedForwardGradients found = feed_forward_gradients(
        gradient_RO, hidden_RF, {saved[2], use->packed[0]}, {saved[3], use->packed[1]});
    variable_list result(5);
    result[0] = gradients.front();
    result[1] = found.x_RI.view(context->saved_data["sizes"].toIntVector());
    if (context->needs_input_grad(2)) {
      result[2] = use->add_use(0, {x_RI, {found.hidden_RF}}).front();
    }
    if (context->needs_input_grad(3)) {
      const bool transposed = down_form(saved[3]) == WeightGradientSum::Form::kTransposed;
      result[3] = (transposed ? use->add_use(1, {gradient_RO, {hidden_RF}})
                              : use->add_use(1, {hidden_RF, {gradient_RO}}))
                      .front();
    }
    return result;
  }
};

}  // namespace

bool is_linear_fused(const at::Tensor& x, const at::Tensor& weight, at::ScalarType dtype) {
  return x.is_cpu() && weight.scalar_type() == at::kFloat &&
         (dtype == at::kFloat || dtype == at::kBFloat16);
}

std::vector<at::Tensor> fused_linear_group(const at::Tensor& x,
                                           const std::vector<WeightRef>& weights,
                                           LinearOutput output,
                                           const at::Tensor& residual) {
  RECORD_FUNCTION("brt::linear", std::vector<c10::IValue>());
  const c10::intrusive_ptr<WeightsOfUse> use = c10::make_intrusive<WeightsOfUse>();
  for (const WeightRef& weight : weights) {
    use->packed.push_back(forms_of(weight));
  }
  use->groups = {shared_weights(weights)};
  const std::optional<at::Tensor> given_residual =
      residual.defined() ? std::make_optional(residual) : std::nullopt;
  return FusedLinear::apply(x, given_residual, at::TensorList(use->groups.front().weights), use,
                            static_cast<int64_t>(output));
}

at::Tensor fused_feed_forward(const at::Tensor& residual,
                              const at::Tensor& x,
                              const WeightRef& up,
                              const WeightRef& down) {
  RECORD_FUNCTION("brt::feed_forward", std::vector<c10::IValue>());
  const c10::intrusive_ptr<WeightsOfUse> use = c10::make_intrusive<WeightsOfUse>();
  use->packed = {forms_of(up), forms_of(down)};
  use->groups = {shared_weights({up}),
                 shared_weights({down}, FusedFeedForward::down_form(down.weight))};
  return FusedFeedForward::apply(residual, x, use->groups[0].weights.front(),
                                 use->groups[1].weights.front(), use);
}

}  // namespace brt
