// SPDX-License-Identifier: Apache-2.0
// Our attention as operators of PyTorch: the shared library brt_torch_ops, for
// torch.ops.load_library. What each dispatch key runs; attention_operators.h computes.
#include <optional>
#include <tuple>

#include <fmt/format.h>

#include <ATen/autocast_mode.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/util/Exception.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "base/error.h"
#include "torch_ops/attention_operators.h"

namespace brt::torch_ops {
namespace {

using Optional = std::optional<at::Tensor>;
using TwoTensors = std::tuple<at::Tensor, at::Tensor>;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::Tensor or_undefined(const Optional& tensor) { return tensor.value_or(at::Tensor()); }

Optional given(const at::Tensor& tensor) {
  return tensor.defined() ? std::make_optional(tensor) : std::nullopt;
}

/// The operands of brt::_attention in its schema, and next as the dispatcher hands them over.
constexpr const char* kOperands =
    "Tensor query, Tensor keys, Tensor values, int window, Tensor? bias, Tensor? scale, "
    "Tensor? empty_cache";

AttentionInputs inputs_of(const at::Tensor& query,
                          const at::Tensor& keys,
                          const at::Tensor& values,
                          int64_t window,
                          const Optional& bias,
                          const Optional& scale,
                          const Optional& empty_cache) {
  return {query,
          keys,
          values,
          window,
          or_undefined(bias),
          or_undefined(scale),
          or_undefined(empty_cache)};
}

/// Calls `function` with what inputs_of() takes, in its order.
template <class Function>
decltype(auto) with_operands(const AttentionInputs& in, Function&& function) {
  return function(in.query_BNHK, in.keys_BMHK, in.values_BMHK, in.window, given(in.bias_HW),
                  given(in.scale_H), given(in.empty_cache_B));
}

using Compute = AttentionOutputs (*)(const AttentionInputs&);
using ComputeGradients = AttentionGradients (*)(const at::Tensor&,
                                                const AttentionInputs&,
                                                const at::Tensor&);

/// Functions with the parameters of inputs_of(), as the dispatcher wants them.
template <class Function>
struct WithParametersOf;

template <class... Operand>
struct WithParametersOf<AttentionInputs(Operand...)> {
  /// brt::_attention, computed by `compute`.
  template <Compute compute>
  static TwoTensors attention_by(Operand... operand) {
    const AttentionOutputs out = compute(inputs_of(operand...));
    return {out.out_BNHK, out.log_sum_BHN};
  }

  /// Its output alone.
  template <Compute compute>
  static at::Tensor output_by(Operand... operand) {
    return compute(inputs_of(operand...)).out_BNHK;
  }

  /// brt::_attention_gradients.
  template <ComputeGradients compute>
  static AttentionGradients gradients_by(const at::Tensor& out_gradient,
                                         Operand... operand,
                                         const at::Tensor& log_sum) {
    return compute(out_gradient, inputs_of(operand...), log_sum);
  }
};

using Operator = WithParametersOf<decltype(inputs_of)>;
using AttentionSignature = decltype(Operator::attention_by<attention>);
using GradientsSignature = decltype(Operator::gradients_by<attention_gradients>);

AttentionOutputs dispatch_attention(const AttentionInputs& in) {
  static const auto operation = c10::Dispatcher::singleton()
                                    .findSchemaOrThrow("brt::_attention", "")
                                    .typed<AttentionSignature>();
  const auto [out, log_sum] = with_operands(
      in, [](const auto&... operand) -> TwoTensors { return operation.call(operand...); });
  return {out, log_sum};
}

AttentionGradients dispatch_gradients(const at::Tensor& out_gradient,
                                      const AttentionInputs& in,
                                      const at::Tensor& log_sum) {
  static const auto operation = c10::Dispatcher::singleton()
                                    .findSchemaOrThrow("brt::_attention_gradients", "")
                                    .typed<GradientsSignature>();
  return with_operands(in, [&](const auto&... operand) -> AttentionGradients {
    return operation.call(out_gradient, operand..., log_sum);
  });
}

/// Saved: query, keys, values, bias, scale, empty cache, log_sum.
struct Attention : public torch::autograd::Function<Attention> {
  template <class... Operand>
  static variable_list forward(AutogradContext* context, const Operand&... operand) {
    const at::AutoDispatchBelowADInplaceOrView below;
    const AttentionInputs in = inputs_of(operand...);
    const AttentionOutputs out = dispatch_attention(in);
    context->save_for_backward({in.query_BNHK, in.keys_BMHK, in.values_BMHK, in.bias_HW, in.scale_H,
                                in.empty_cache_B, out.log_sum_BHN});
    context->saved_data["window"] = in.window;
    context->mark_non_differentiable({out.log_sum_BHN});
    return {out.out_BNHK, out.log_sum_BHN};
  }

  static variable_list backward(AutogradContext* context, const variable_list& out_gradients) {
    const variable_list saved = context->get_saved_variables();
    const AttentionInputs in = {saved[0], saved[1], saved[2], context->saved_data["window"].toInt(),
                                saved[3], saved[4], saved[5]};
    const auto [query, keys, values, bias, scale] =
        dispatch_gradients(out_gradients[0], in, saved[6]);
    const at::Tensor none;
    return {query,
            keys,
            values,
            none,
            in.bias_HW.defined() ? bias : none,
            in.scale_H.defined() ? scale : none,
            none};
  }
};

AttentionOutputs attention_with_gradient(const AttentionInputs& in) {
  const variable_list out = with_operands(
      in, [](const auto&... operand) -> variable_list { return Attention::apply(operand...); });
  return {out[0], out[1]};
}

/// The gradients cannot be differentiated once more, and say so.
struct GradientsOnce : public torch::autograd::Function<GradientsOnce> {
  template <class... Operand>
  static variable_list forward(AutogradContext* /*context*/,
                               const at::Tensor& out_gradient,
                               const at::Tensor& log_sum,
                               const Operand&... operand) {
    const at::AutoDispatchBelowADInplaceOrView below;
    const auto [of_query, of_keys, of_values, of_bias, of_scale] =
        dispatch_gradients(out_gradient, inputs_of(operand...), log_sum);
    return {of_query, of_keys, of_values, of_bias, of_scale};
  }

  static variable_list backward(AutogradContext* /*context*/, const variable_list& /*gradients*/) {
    C10_THROW_ERROR(NotImplementedError, "brt's attention has no second derivative");
  }
};

AttentionGradients gradients_once(const at::Tensor& out_gradient,
                                  const AttentionInputs& in,
                                  const at::Tensor& log_sum) {
  const variable_list all = with_operands(in, [&](const auto&... operand) -> variable_list {
    return GradientsOnce::apply(out_gradient, log_sum, operand...);
  });
  return {all[0], all[1], all[2], all[3], all[4]};
}

/// As PyTorch's own attention: operands in autocast's dtype, softmax and sums in float32.
AttentionOutputs attention_under_autocast(const AttentionInputs& in) {
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
  const c10::DeviceType device = in.query_BNHK.device().type();
  const at::ScalarType dtype = at::autocast::get_autocast_dtype(device);
  AttentionInputs cast = in;
  for (at::Tensor* tensor : {&cast.query_BNHK, &cast.keys_BMHK, &cast.values_BMHK}) {
    *tensor = at::autocast::cached_cast(dtype, *tensor, device);
  }
  return dispatch_attention(cast);
}

AttentionOutputs window_attention(const AttentionInputs& in) {
  if (in.window < 1) {  // 0 would mean no window
    throw ShapeError(fmt::format("window_attention: window must be at least 1, got {}", in.window));
  }
  return dispatch_attention(in);
}

at::Tensor cross_attention(const at::Tensor& query,
                           const at::Tensor& keys,
                           const at::Tensor& values,
                           const Optional& scale) {
  return dispatch_attention({.query_BNHK = query,
                             .keys_BMHK = keys,
                             .values_BMHK = values,
                             .bias_HW = {},
                             .scale_H = or_undefined(scale),
                             .empty_cache_B = {}})
      .out_BNHK;
}

}  // namespace

TORCH_LIBRARY(brt, library) {
  library.def(
      "window_attention(Tensor query, Tensor keys, Tensor values, int window, Tensor? bias=None, "
      "Tensor? scale=None, Tensor? empty_cache=None) -> Tensor");
  library.def(
      "cross_attention(Tensor query, Tensor keys, Tensor values, Tensor? scale=None) -> Tensor");
  library.def(fmt::format("_attention({}) -> (Tensor out, Tensor log_sum)", kOperands).c_str());
  library.def(fmt::format("_attention_gradients(Tensor out_gradient, {}, Tensor log_sum) -> "
                          "(Tensor, Tensor, Tensor, Tensor, Tensor)",
                          kOperands)
                  .c_str());
}

// Every other key finds the operator that does the work.
TORCH_LIBRARY_IMPL(brt, CompositeImplicitAutograd, library) {
  library.impl("window_attention", Operator::output_by<window_attention>);
  library.impl("cross_attention", cross_attention);
}

TORCH_LIBRARY_IMPL(brt, CompositeExplicitAutograd, library) {
  library.impl("_attention", Operator::attention_by<attention>);
  library.impl("_attention_gradients", Operator::gradients_by<attention_gradients>);
}

TORCH_LIBRARY_IMPL(brt, Meta, library) {
  library.impl("_attention", Operator::attention_by<attention_shapes>);
  library.impl("_attention_gradients", Operator::gradients_by<attention_gradient_shapes>);
}

TORCH_LIBRARY_IMPL(brt, Autograd, library) {
  library.impl("_attention", Operator::attention_by<attention_with_gradient>);
  library.impl("_attention_gradients", Operator::gradients_by<gradients_once>);
}

TORCH_LIBRARY_IMPL(brt, AutocastCPU, library) {
  library.impl("_attention", Operator::attention_by<attention_under_autocast>);
}

TORCH_LIBRARY_IMPL(brt, AutocastCUDA, library) {
  library.impl("_attention", Operator::attention_by<attention_under_autocast>);
}

}  // namespace brt::torch_ops
