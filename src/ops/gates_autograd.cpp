// SPDX-License-Identifier: Apache-2.0
// The gates by kernels, as autograd functions.
#include "ops/gates_autograd.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include "kernels/gates.h"
#include "ops/kernel_pointers.h"
#include "ops/row_chunks.h"

namespace brt {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::Tensor contiguous_like(const at::Tensor& x) { return at::empty(x.sizes(), x.options()); }

template <class T>
void write_fixed(const variable_list& saved, const at::Tensor& out) {
  kernels::FixedGateArgs<T> args;
  args.state = saved[0].const_data_ptr<float>();
  args.candidate = static_cast<const T*>(saved[1].const_data_ptr());
  args.keep = saved[2].const_data_ptr<float>();
  args.out = out.mutable_data_ptr<float>();
  args.width = out.size(-1);
  parallel_rows(row_chunks(out), [&args](int64_t /*chunk*/, int64_t begin, int64_t end) {
    kernels::fixed_gate(args, begin, end);
  });
}

/// Each chunk C has a row of `partial_CD`, so that the sum's order does not depend on threads.
template <class T>
void write_fixed_gradients(const at::Tensor& out_gradient,
                           const variable_list& saved,
                           const at::Tensor& state_gradient,
                           const at::Tensor& candidate_gradient,
                           const at::Tensor& partial_CD) {
  kernels::FixedGateBackwardArgs<T> args;
  args.out_gradient = out_gradient.const_data_ptr<float>();
  args.state = saved[0].const_data_ptr<float>();
  args.candidate = static_cast<const T*>(saved[1].const_data_ptr());
  args.keep = saved[2].const_data_ptr<float>();
  args.state_gradient = state_gradient.mutable_data_ptr<float>();
  args.candidate_gradient = static_cast<T*>(candidate_gradient.mutable_data_ptr());
  args.width = state_gradient.size(-1);
  float* partials = partial_CD.mutable_data_ptr<float>();
  parallel_rows(row_chunks(state_gradient), [&](int64_t chunk, int64_t begin, int64_t end) {
    kernels::FixedGateBackwardArgs<T> of_chunk = args;
    of_chunk.keep_gradient = partials + chunk * args.width;
    kernels::fixed_gate_backward(of_chunk, begin, end);
  });
}

/// Saved: state [..., D], candidate [..., D], both contiguous; keep [D] = sigmoid(bias).
struct FusedFixedGate : public torch::autograd::Function<FusedFixedGate> {
  static at::Tensor forward(AutogradContext* context,
                            const at::Tensor& state,
                            const at::Tensor& candidate,
                            const at::Tensor& bias_D) {
    const variable_list saved = {state.contiguous(), candidate.contiguous(),
                                 at::sigmoid(bias_D).contiguous()};
    const at::Tensor out = contiguous_like(state);
    with_kernel_type(candidate.scalar_type(),
                     [&](auto type) { write_fixed<decltype(type)>(saved, out); });
    context->save_for_backward(saved);
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor out_gradient = gradients[0].contiguous();
    const at::Tensor state_gradient = contiguous_like(saved[0]);
    const at::Tensor candidate_gradient = contiguous_like(saved[1]);
    const at::Tensor partial_CD =
        at::zeros({row_chunks(saved[0]).count(), saved[0].size(-1)}, saved[0].options());
    with_kernel_type(candidate_gradient.scalar_type(), [&](auto type) {
      write_fixed_gradients<decltype(type)>(out_gradient, saved, state_gradient, candidate_gradient,
                                            partial_CD);
    });
    const at::Tensor& keep_D = saved[2];
    return {state_gradient, candidate_gradient, sum_in_order(partial_CD) * keep_D * (1 - keep_D)};
  }
};

template <class T>
void write_lstm(const variable_list& saved, const at::Tensor& out) {
  kernels::LstmGateArgs<T> args;
  args.state = saved[0].const_data_ptr<float>();
  args.candidate = static_cast<const T*>(saved[1].const_data_ptr());
  args.input = saved[2].const_data_ptr<float>();
  args.forget = saved[3].const_data_ptr<float>();
  args.out = out.mutable_data_ptr<float>();
  parallel_rows({out.numel(), /*width=*/1}, [&args](int64_t /*chunk*/, int64_t begin, int64_t end) {
    kernels::lstm_gate(args, begin, end);
  });
}

/// @param results  gradients of the saved tensors, in their order
template <class T>
void write_lstm_gradients(const at::Tensor& out_gradient,
                          const variable_list& saved,
                          const variable_list& results) {
  kernels::LstmGateBackwardArgs<T> args;
  args.out_gradient = out_gradient.const_data_ptr<float>();
  args.state = saved[0].const_data_ptr<float>();
  args.candidate = static_cast<const T*>(saved[1].const_data_ptr());
  args.input = saved[2].const_data_ptr<float>();
  args.forget = saved[3].const_data_ptr<float>();
  args.state_gradient = results[0].mutable_data_ptr<float>();
  args.candidate_gradient = static_cast<T*>(results[1].mutable_data_ptr());
  args.input_gradient = results[2].mutable_data_ptr<float>();
  args.forget_gradient = results[3].mutable_data_ptr<float>();
  parallel_rows({out_gradient.numel(), /*width=*/1},
                [&args](int64_t /*chunk*/, int64_t begin, int64_t end) {
                  kernels::lstm_gate_backward(args, begin, end);
                });
}

/// Saved: state, candidate, input, forget, all [..., D] and contiguous.
struct FusedLstmGate : public torch::autograd::Function<FusedLstmGate> {
  static at::Tensor forward(AutogradContext* context,
                            const at::Tensor& state,
                            const at::Tensor& candidate,
                            const at::Tensor& input,
                            const at::Tensor& forget) {
    const variable_list saved = {state.contiguous(), candidate.contiguous(), input.contiguous(),
                                 forget.contiguous()};
    const at::Tensor out = contiguous_like(state);
    with_kernel_type(candidate.scalar_type(),
                     [&](auto type) { write_lstm<decltype(type)>(saved, out); });
    context->save_for_backward(saved);
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor out_gradient = gradients[0].contiguous();
    const variable_list results = {contiguous_like(saved[0]), contiguous_like(saved[1]),
                                   contiguous_like(saved[2]), contiguous_like(saved[3])};
    with_kernel_type(saved[1].scalar_type(), [&](auto type) {
      write_lstm_gradients<decltype(type)>(out_gradient, saved, results);
    });
    return results;
  }
};

}  // namespace

at::Tensor fused_fixed_gate(const at::Tensor& state,
                            const at::Tensor& candidate,
                            const at::Tensor& bias) {
  return FusedFixedGate::apply(state, candidate, bias);
}

at::Tensor fused_lstm_gate(const at::Tensor& state,
                           const at::Tensor& candidate,
                           const at::Tensor& input,
                           const at::Tensor& forget) {
  return FusedLstmGate::apply(state, candidate, input, forget);
}

}  // namespace brt
