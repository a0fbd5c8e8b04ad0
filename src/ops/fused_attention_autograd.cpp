// SPDX-License-Identifier: Apache-2.0
// Fused attention as an autograd function.
//
// Letters: B lanes, N queries, M keys, H heads, K head size, W keys of a window.
#include <optional>
#include <vector>

#include <ATen/record_function.h>
#include <torch/csrc/autograd/custom_function.h>

#include "ops/fused_attention.h"

namespace brt {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Which keys are seen, kept alive by the graph.
struct VisibleKeysOfUse : public torch::CustomClassHolder {
  explicit VisibleKeysOfUse(const VisibleKeys& the_keys) : keys(the_keys) {}

  VisibleKeys keys;
};

/// What backward needs.
struct SavedAttention {
  at::Tensor query_BNHK, keys_BMHK, values_BMHK;
  at::Tensor bias_HW, scale_H;  ///< as in the call
  at::Tensor log_sum_BHN;
  at::Tensor key_columns;

  variable_list list() const {
    return {query_BNHK, keys_BMHK, values_BMHK, bias_HW, scale_H, log_sum_BHN, key_columns};
  }
  static SavedAttention of(const variable_list& saved) {
    return {saved[0], saved[1], saved[2], saved[3], saved[4], saved[5], saved[6]};
  }
};

struct FusedAttention : public torch::autograd::Function<FusedAttention> {
  static at::Tensor forward(AutogradContext* context,
                            const at::Tensor& query_BNHK,
                            const at::Tensor& keys_BMHK,
                            const at::Tensor& values_BMHK,
                            const std::optional<at::Tensor>& given_bias_HW,
                            const std::optional<at::Tensor>& given_scale_H,
                            const c10::intrusive_ptr<VisibleKeysOfUse>& visible) {
    const FusedAttentionCall call = {query_BNHK,
                                     keys_BMHK,
                                     values_BMHK,
                                     given_bias_HW.value_or(at::Tensor()),
                                     given_scale_H.value_or(at::Tensor()),
                                     visible->keys};
    const FusedAttentionResult result = fused_attention_forward(call);
    const SavedAttention saved = {query_BNHK,   keys_BMHK,          values_BMHK,       call.bias_HW,
                                  call.scale_H, result.log_sum_BHN, result.key_columns};
    context->save_for_backward(saved.list());
    context->saved_data["visible"] = c10::IValue::make_capsule(visible);
    return result.out_BNHK;
  }

  static variable_list backward(AutogradContext* context, const variable_list& out_gradients) {
    const SavedAttention saved = SavedAttention::of(context->get_saved_variables());
    const auto visible = c10::static_intrusive_pointer_cast<VisibleKeysOfUse>(
        context->saved_data["visible"].toCapsule());
    const FusedAttentionCall call = {saved.query_BNHK, saved.keys_BMHK, saved.values_BMHK,
                                     saved.bias_HW,    saved.scale_H,   visible->keys};
    const FusedAttentionGradients gradients = fused_attention_gradients(
        call, {at::Tensor(), saved.log_sum_BHN, saved.key_columns}, out_gradients[0]);
    return {gradients.query_BNHK, gradients.keys_BMHK, gradients.values_BMHK,
            gradients.bias_HW,    gradients.scale_H,   at::Tensor()};
  }
};

}  // namespace

at::Tensor fused_attention(const FusedAttentionCall& call) {
  RECORD_FUNCTION("brt::attention", std::vector<c10::IValue>());
  const auto given = [](const at::Tensor& tensor) {
    return tensor.defined() ? std::make_optional(tensor) : std::nullopt;
  };
  return FusedAttention::apply(call.query_BNHK, call.keys_BMHK, call.values_BMHK,
                               given(call.bias_HW), given(call.scale_H),
                               c10::make_intrusive<VisibleKeysOfUse>(call.visible));
}

}  // namespace brt
