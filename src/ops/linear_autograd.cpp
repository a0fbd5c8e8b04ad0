// SPDX-License-Identifier: Apache-2.0
// The fused projections as an autograd function.
#include "ops/linear_autograd.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include <ATen/ops/empty.h>
#include <ATen/ops/threshold_backward.h>
#include <ATen/record_function.h>
#include <torch/csrc/autograd/custom_function.h>

#include "ops/kernel_pointers.h"
#include "ops/linear_products.h"
#include "ops/shared_weights.h"
#include "ops/weights_of_use.h"

namespace brt {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

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

/// What backward needs beside the weights' forms.
struct SavedLinear {
  at::Tensor x_RI;
  at::Tensor out;                   ///< [..., out], of kRelu only; else x again
  std::vector<at::Tensor> weights;  ///< [out_i, in]

  variable_list list() const {
    variable_list saved = {x_RI, out};
    saved.insert(saved.end(), weights.begin(), weights.end());
    return saved;
  }
  static SavedLinear of(const variable_list& saved) {
    return {saved[0], saved[1], {saved.begin() + 2, saved.end()}};
  }
};

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
    const SavedLinear saved = {x_RI, kind == LinearOutput::kRelu ? outputs.front() : x_RI,
                               weights.vec()};
    context->save_for_backward(saved.list());
    context->saved_data["weights"] = c10::IValue::make_capsule(use);
    context->saved_data["output"] = output;
    context->saved_data["sizes"] = x.sizes().vec();
    return outputs;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const SavedLinear saved = SavedLinear::of(context->get_saved_variables());
    const auto use = c10::static_intrusive_pointer_cast<WeightsOfUse>(
        context->saved_data["weights"].toCapsule());
    const LinearOutput kind = static_cast<LinearOutput>(context->saved_data["output"].toInt());
    const size_t num_weights = saved.weights.size();
    // In the order of forward's tensors: x, residual, weights; then what is no tensor.
    variable_list result(2 + num_weights + 2);
    if (kind == LinearOutput::kAdd) {
      result[1] = gradients.front();
    }
    WeightGradientTerm term{saved.x_RI, variable_list(num_weights)};
    std::vector<WeightRef> weights;
    std::vector<at::Tensor> gradients_RO;
    for (size_t i = 0; i < num_weights; ++i) {
      if (!gradients[i].defined()) {
        continue;
      }
      at::Tensor gradient = gradients[i].to(saved.x_RI.scalar_type());
      if (kind == LinearOutput::kRelu) {
        gradient = at::threshold_backward(gradient, saved.out, 0);
      }
      weights.push_back({saved.weights[i], use->packed[i]});
      gradients_RO.push_back(gradient.contiguous().view({-1, saved.weights[i].size(0)}));
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

}  // namespace

bool is_linear_fused(const at::Tensor& x, const at::Tensor& weight, at::ScalarType dtype) {
  return x.is_cpu() && is_float32_for_kernels(weight) && is_for_kernels(dtype);
}

std::vector<at::Tensor> fused_linear_group(const at::Tensor& x,
                                           const std::vector<WeightRef>& weights,
                                           LinearOutput output,
                                           const at::Tensor& residual) {
  RECORD_FUNCTION("brt::linear", std::vector<c10::IValue>());
  const c10::intrusive_ptr<WeightsOfUse> use = c10::make_intrusive<WeightsOfUse>();
  for (const WeightRef& weight : weights) {
    use->add_forms(weight);
  }
  use->groups = {shared_weights(weights)};
  const std::optional<at::Tensor> given_residual =
      residual.defined() ? std::make_optional(residual) : std::nullopt;
  return FusedLinear::apply(x, given_residual, at::TensorList(use->groups.front().weights), use,
                            static_cast<int64_t>(output));
}

}  // namespace brt
