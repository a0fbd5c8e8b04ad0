// SPDX-License-Identifier: Apache-2.0
// The kernels' passes where they can compute the inputs, the plain form and its autograd elsewhere.
#include "torch_ops/attention_operators.h"

#include <algorithm>
#include <array>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/csrc/autograd/autograd.h>

#include "base/error.h"
#include "ops/cross_attention.h"
#include "ops/shape_check.h"
#include "ops/window_attention.h"

namespace brt::torch_ops {
namespace {

WindowAttentionOptions window_options(const AttentionInputs& in) {
  WindowAttentionOptions options;
  options.window = in.window;
  options.bias_HW = in.bias_HW;
  options.scale_H = in.scale_H;
  options.empty_cache_B = in.empty_cache_B;
  return options;
}

void check(const AttentionInputs& in) {
  if (in.window != 0) {
    check_window_attention(in.query_BNHK, in.keys_BMHK, in.values_BMHK, window_options(in));
    return;
  }
  if (in.bias_HW.defined() || in.empty_cache_B.defined()) {
    throw ShapeError("_attention: without a window there is no bias and no cache");
  }
  check_cross_attention(in.query_BNHK, in.keys_BMHK, in.values_BMHK, in.scale_H);
}

std::optional<FusedAttentionCall> fused(const AttentionInputs& in) {
  return in.window != 0
             ? fused_window_attention(in.query_BNHK, in.keys_BMHK, in.values_BMHK,
                                      window_options(in))
             : fused_cross_attention(in.query_BNHK, in.keys_BMHK, in.values_BMHK, in.scale_H);
}

at::Tensor plain(const AttentionInputs& in) {
  return in.window != 0
             ? window_attention_reference(in.query_BNHK, in.keys_BMHK, in.values_BMHK,
                                          window_options(in))
             : cross_attention_reference(in.query_BNHK, in.keys_BMHK, in.values_BMHK, in.scale_H);
}

/// The numbers that a tensor stands for, in memory: PyTorch keeps a sign and tensors of zeros as
/// marks only, which the kernels would not see.
at::Tensor in_memory(const at::Tensor& tensor) {
  if (!tensor.defined()) {
    return tensor;
  }
  return tensor._is_zerotensor() ? at::zeros(tensor.sizes(), tensor.options())
                                 : tensor.resolve_neg();
}

AttentionInputs in_memory(const AttentionInputs& in) {
  return {in_memory(in.query_BNHK), in_memory(in.keys_BMHK), in_memory(in.values_BMHK),  in.window,
          in_memory(in.bias_HW),    in_memory(in.scale_H),   in_memory(in.empty_cache_B)};
}

/// Nothing to compute, so that a size beside one of 0 costs no memory.
bool is_empty(const AttentionInputs& in) {
  return in.query_BNHK.size(0) == 0 || in.query_BNHK.size(1) == 0 || in.query_BNHK.size(2) == 0 ||
         in.values_BMHK.size(3) == 0;
}

at::Tensor or_empty(const at::Tensor& tensor, const at::Tensor& like) {
  return tensor.defined() ? tensor : at::empty({0}, like.options());
}

/// Autograd works in an operator's kernel only where its dispatch keys are let in again.
class AutogradAgain {
 public:
  AutogradAgain()
      : keys_(c10::impl::tls_local_dispatch_key_set().included_,
              c10::impl::tls_local_dispatch_key_set().excluded_ -
                  c10::autograd_dispatch_keyset_with_ADInplaceOrView) {}

 private:
  c10::impl::ForceDispatchKeyGuard keys_;
  at::AutoGradMode mode_{true};
};

/// The plain form's gradients, in the order of the operator's results.
AttentionGradients plain_gradients(const at::Tensor& out_gradient, const AttentionInputs& in) {
  const AutogradAgain again;
  const auto leaf = [](const at::Tensor& tensor) {
    return tensor.defined() ? tensor.detach().requires_grad_() : tensor;
  };
  AttentionInputs leaves = in;
  std::vector<at::Tensor> wanted;
  const std::array<at::Tensor*, 5> all = {&leaves.query_BNHK, &leaves.keys_BMHK,
                                          &leaves.values_BMHK, &leaves.bias_HW, &leaves.scale_H};
  for (at::Tensor* tensor : all) {
    *tensor = leaf(*tensor);
    if (tensor->defined()) {
      wanted.push_back(*tensor);
    }
  }
  const std::vector<at::Tensor> found =
      torch::autograd::grad({plain(leaves)}, wanted, {out_gradient}, /*retain_graph=*/false,
                            /*create_graph=*/false, /*allow_unused=*/true);
  std::array<at::Tensor, 5> results;
  size_t next = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i]->defined()) {
      const at::Tensor& gradient = found[next++];
      results[i] = gradient.defined() ? gradient.contiguous() : at::zeros_like(*all[i]).detach();
    }
  }
  return {results[0], results[1], results[2], or_empty(results[3], in.query_BNHK),
          or_empty(results[4], in.query_BNHK)};
}

AttentionGradients zero_gradients(const AttentionInputs& in) {
  const auto zeros = [&](const at::Tensor& tensor) {
    return tensor.defined() ? at::zeros(tensor.sizes(), tensor.options())
                            : or_empty(tensor, in.query_BNHK);
  };
  return {zeros(in.query_BNHK), zeros(in.keys_BMHK), zeros(in.values_BMHK), zeros(in.bias_HW),
          zeros(in.scale_H)};
}

bool has_symbolic_sizes(const AttentionInputs& in) {
  const std::array<const at::Tensor*, 6> all = {&in.query_BNHK, &in.keys_BMHK, &in.values_BMHK,
                                                &in.bias_HW,    &in.scale_H,   &in.empty_cache_B};
  return std::any_of(all.begin(), all.end(), [](const at::Tensor* tensor) {
    return tensor->defined() && tensor->unsafeGetTensorImpl()->has_symbolic_sizes_strides();
  });
}

/// What a backward pass gets beside the inputs.
void check_given_back(const at::Tensor& out_gradient_BNHK,
                      const AttentionInputs& in,
                      const at::Tensor& log_sum_BHN) {
  constexpr std::string_view kOp = "_attention_gradients";
  const at::Tensor& query = in.query_BNHK;
  check_shape(kOp, "out_gradient_BNHK", out_gradient_BNHK,
              {query.size(0), query.size(1), query.size(2), in.values_BMHK.size(3)});
  check_shape(kOp, "log_sum_BHN", log_sum_BHN, {query.size(0), query.size(2), query.size(1)});
  check_numbers(kOp, "out_gradient_BNHK", out_gradient_BNHK, query);
  check_numbers(kOp, "log_sum_BHN", log_sum_BHN, query);
}

}  // namespace

AttentionOutputs attention(const AttentionInputs& given) {
  check(given);
  const AttentionInputs in = in_memory(given);
  const at::Tensor& query = in.query_BNHK;
  const at::TensorOptions float32 = query.options().dtype(at::kFloat);
  const std::vector<int64_t> rows = {query.size(0), query.size(2), query.size(1)};
  if (is_empty(in)) {
    return {at::empty({query.size(0), query.size(1), query.size(2), in.values_BMHK.size(3)},
                      query.options()),
            at::zeros(rows, float32)};
  }
  if (const std::optional<FusedAttentionCall> call = fused(in)) {
    const FusedAttentionResult result = fused_attention_forward(*call);
    return {result.out_BNHK.to(query.scalar_type()), result.log_sum_BHN};
  }
  return {plain(in), at::zeros(rows, float32)};
}

AttentionGradients attention_gradients(const at::Tensor& out_gradient_BNHK,
                                       const AttentionInputs& given,
                                       const at::Tensor& log_sum_BHN) {
  check(given);
  check_given_back(out_gradient_BNHK, given, log_sum_BHN);
  const AttentionInputs in = in_memory(given);
  const at::Tensor& query = in.query_BNHK;
  if (is_empty(in)) {
    return zero_gradients(in);
  }
  const std::optional<FusedAttentionCall> call = fused(in);
  if (!call) {
    return plain_gradients(in_memory(out_gradient_BNHK).to(query.scalar_type()), in);
  }
  FusedAttentionResult forward;
  forward.log_sum_BHN = in_memory(log_sum_BHN).to(at::kFloat).contiguous();
  const FusedAttentionGradients found =
      fused_attention_gradients(*call, forward, in_memory(out_gradient_BNHK));
  return {found.query_BNHK.to(query.scalar_type()), found.keys_BMHK.to(in.keys_BMHK.scalar_type()),
          found.values_BMHK.to(in.values_BMHK.scalar_type()), or_empty(found.bias_HW, query),
          or_empty(found.scale_H, query)};
}

AttentionOutputs attention_shapes(const AttentionInputs& in) {
  if (!has_symbolic_sizes(in)) {
    check(in);
  }
  const at::Tensor& query = in.query_BNHK;
  TORCH_CHECK(query.dim() == 4 && in.values_BMHK.dim() == 4,
              "_attention: query and values must have four dimensions");
  return {at::empty_symint(
              {query.sym_size(0), query.sym_size(1), query.sym_size(2), in.values_BMHK.sym_size(3)},
              query.options()),
          at::empty_symint({query.sym_size(0), query.sym_size(2), query.sym_size(1)},
                           query.options().dtype(at::kFloat))};
}

AttentionGradients attention_gradient_shapes(const at::Tensor& out_gradient_BNHK,
                                             const AttentionInputs& in,
                                             const at::Tensor& log_sum_BHN) {
  if (!has_symbolic_sizes(in)) {
    check(in);
    check_given_back(out_gradient_BNHK, in, log_sum_BHN);
  }
  const auto like = [&](const at::Tensor& tensor) {
    return tensor.defined() ? at::empty_symint(tensor.sym_sizes(), tensor.options())
                            : or_empty(tensor, in.query_BNHK);
  };
  return {like(in.query_BNHK), like(in.keys_BMHK), like(in.values_BMHK), like(in.bias_HW),
          like(in.scale_H)};
}

}  // namespace brt::torch_ops
