// SPDX-License-Identifier: Apache-2.0
// The feed-forward network by kernels, as an autograd function.
//
// Letters: R rows, I and O the widths of x and of the residual, F width between the projections.
#include "ops/feed_forward_autograd.h"

#include <vector>

#include <ATen/ops/empty.h>
#include <ATen/record_function.h>
#include <torch/csrc/autograd/custom_function.h>

#include "ops/kernel_pointers.h"
#include "ops/linear_autograd.h"
#include "ops/linear_products.h"
#include "ops/shared_weights.h"
#include "ops/weights_of_use.h"

namespace brt {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// The weights' places in WeightsOfUse.
constexpr size_t kUp = 0;
constexpr size_t kDown = 1;

/// The gradient of down takes the narrower of its operands as the one to lay out as panels.
WeightGradientSum::Form down_form(const at::Tensor& down_OF) {
  return down_OF.size(0) < down_OF.size(1) ? WeightGradientSum::Form::kTransposed
                                           : WeightGradientSum::Form::kStraight;
}

/// What backward needs beside the weights' forms.
struct SavedFeedForward {
  at::Tensor x_RI, hidden_RF;
  at::Tensor up_FI, down_OF;

  variable_list list() const { return {x_RI, hidden_RF, up_FI, down_OF}; }
  static SavedFeedForward of(const variable_list& saved) {
    return {saved[0], saved[1], saved[2], saved[3]};
  }
};

struct FusedFeedForward : public torch::autograd::Function<FusedFeedForward> {
  static at::Tensor forward(AutogradContext* context,
                            const at::Tensor& residual,
                            const at::Tensor& x,
                            const at::Tensor& up_FI,
                            const at::Tensor& down_OF,
                            const c10::intrusive_ptr<WeightsOfUse>& use) {
    const at::Tensor x_RI = x.contiguous().view({-1, x.size(-1)});
    const at::Tensor residual_RO = residual.reshape({-1, down_OF.size(0)}).contiguous();
    const at::Tensor hidden_RF = at::empty({x_RI.size(0), up_FI.size(0)}, x_RI.options());
    const at::Tensor sum_RO = at::empty(residual_RO.sizes(), residual_RO.options());
    feed_forward_products({residual_RO, x_RI, hidden_RF, sum_RO}, {up_FI, use->packed[kUp]},
                          {down_OF, use->packed[kDown]});
    context->save_for_backward(SavedFeedForward{x_RI, hidden_RF, up_FI, down_OF}.list());
    context->saved_data["weights"] = c10::IValue::make_capsule(use);
    context->saved_data["sizes"] = x.sizes().vec();
    return sum_RO.view(residual.sizes());
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const SavedFeedForward saved = SavedFeedForward::of(context->get_saved_variables());
    const auto use = c10::static_intrusive_pointer_cast<WeightsOfUse>(
        context->saved_data["weights"].toCapsule());
    const at::Tensor gradient_RO = gradients.front()
                                       .to(saved.x_RI.scalar_type())
                                       .contiguous()
                                       .view({-1, saved.down_OF.size(0)});
    const FeedForwardGradients found =
        feed_forward_gradients(gradient_RO, saved.hidden_RF, {saved.up_FI, use->packed[kUp]},
                               {saved.down_OF, use->packed[kDown]});
    variable_list result(5);
    result[0] = gradients.front();
    result[1] = found.x_RI.view(context->saved_data["sizes"].toIntVector());
    if (context->needs_input_grad(2)) {
      result[2] = use->add_use(kUp, {saved.x_RI, {found.hidden_RF}}).front();
    }
    if (context->needs_input_grad(3)) {
      const bool transposed = down_form(saved.down_OF) == WeightGradientSum::Form::kTransposed;
      result[3] = (transposed ? use->add_use(kDown, {gradient_RO, {saved.hidden_RF}})
                              : use->add_use(kDown, {saved.hidden_RF, {gradient_RO}}))
                      .front();
    }
    return result;
  }
};

}  // namespace

bool is_feed_forward_fused(const at::Tensor& residual,
                           const at::Tensor& x,
                           const at::Tensor& up,
                           const at::Tensor& down,
                           at::ScalarType dtype) {
  return is_linear_fused(x, up, dtype) && is_linear_fused(x, down, dtype) &&
         is_float32_for_kernels(residual);
}

at::Tensor fused_feed_forward(const at::Tensor& residual,
                              const at::Tensor& x,
                              const WeightRef& up,
                              const WeightRef& down) {
  RECORD_FUNCTION("brt::feed_forward", std::vector<c10::IValue>());
  const c10::intrusive_ptr<WeightsOfUse> use = c10::make_intrusive<WeightsOfUse>();
  use->add_forms(up);
  use->add_forms(down);
  use->groups = {shared_weights({up}), shared_weights({down}, down_form(down.weight))};
  return FusedFeedForward::apply(residual, x, use->groups[kUp].weights.front(),
                                 use->groups[kDown].weights.front(), use);
}

}  // namespace brt
