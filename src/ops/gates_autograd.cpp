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

/// What the fixed gate's backward needs.
struct SavedFixedGate {
  at::Tensor state, candidate;  ///< [..., D], contiguous
  at::Tensor keep_D;            ///< sigmoid(bias), contiguous

  variable_list list() const { return {state, candidate, keep_D}; }
  static SavedFixedGate of(const variable_list& saved) { return {saved[0], saved[1], saved[2]}; }
};

template <class T>
void write_fixed(const SavedFixedGate& in, const at::Tensor& out) {
  kernels::FixedGateArgs<T> args;
  args.state = in.state.const_data_ptr<float>();
  args.candidate = const_pointer<T>(in.candidate);
  args.keep = in.keep_D.const_data_ptr<float>();
  args.out = out.mutable_data_ptr<float>();
  args.width = out.size(-1);
  parallel_rows(row_chunks(out), [&args](int64_t /*chunk*/, int64_t begin, int64_t end) {
    kernels::fixed_gate(args, begin, end);
  });
}

/// Each chunk C has a row of `partial_CD`, so that the sum's order does not depend on threads.
template <class T>
void write_fixed_gradients(const at::Tensor& out_gradient,
                           const SavedFixedGate& saved,
                           const at::Tensor& state_gradient,
                           const at::Tensor& candidate_gradient,
                           const at::Tensor& partial_CD) {
  kernels::FixedGateBackwardArgs<T> args;
  args.out_gradient = out_gradient.const_data_ptr<float>();
  args.state = saved.state.const_data_ptr<float>();
  args.candidate = const_pointer<T>(saved.candidate);
  args.keep = saved.keep_D.const_data_ptr<float>();
  args.state_gradient = state_gradient.mutable_data_ptr<float>();
  args.candidate_gradient = mutable_pointer<T>(candidate_gradient);
  args.width = state_gradient.size(-1);
  float* partials = partial_CD.mutable_data_ptr<float>();
  parallel_rows(row_chunks(state_gradient), [&](int64_t chunk, int64_t begin, int64_t end) {
    kernels::FixedGateBackwardArgs<T> of_chunk = args;
    of_chunk.keep_gradient = partials + chunk * args.width;
    kernels::fixed_gate_backward(of_chunk, begin, end);
  });
}

struct FusedFixedGate : public torch::autograd::Function<FusedFixedGate> {
  static at::Tensor forward(AutogradContext* context,
                            const at::Tensor& state,
                            const at::Tensor& candidate,
                            const at::Tensor& bias_D) {
    const SavedFixedGate saved = {state.contiguous(), candidate.contiguous(),
                                  at::sigmoid(bias_D).contiguous()};
    const at::Tensor out = contiguous_like(state);
    with_kernel_type(candidate.scalar_type(),
                     [&](auto type) { write_fixed<decltype(type)>(saved, out); });
    context->save_for_backward(saved.list());
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const SavedFixedGate saved = SavedFixedGate::of(context->get_saved_variables());
    const at::Tensor out_gradient = gradients[0].contiguous();
    const at::Tensor state_gradient = contiguous_like(saved.state);
    const at::Tensor candidate_gradient = contiguous_like(saved.candidate);
    const at::Tensor partial_CD =
        at::zeros({row_chunks(saved.state).count(), saved.state.size(-1)}, saved.state.options());
    with_kernel_type(candidate_gradient.scalar_type(), [&](auto type) {
      write_fixed_gradients<decltype(type)>(out_gradient, saved, state_gradient, candidate_gradient,
                                            partial_CD);
    });
    return {state_gradient, candidate_gradient,
            sum_in_order(partial_CD) * saved.keep_D * (1 - saved.keep_D)};
  }
};

/// What the lstm gate's backward needs, all [..., D] and contiguous; and, of the same names, the
/// gradients that it gives.
struct LstmGateTensors {
  at::Tensor state, candidate, input, forget;

  variable_list list() const { return {state, candidate, input, forget}; }
  static LstmGateTensors of(const variable_list& saved) {
    return {saved[0], saved[1], saved[2], saved[3]};
  }
};

template <class T>
void write_lstm(const LstmGateTensors& in, const at::Tensor& out) {
  kernels::LstmGateArgs<T> args;
  args.state = in.state.const_data_ptr<float>();
  args.candidate = const_pointer<T>(in.candidate);
  args.input = in.input.const_data_ptr<float>();
  args.forget = in.forget.const_data_ptr<float>();
  args.out = out.mutable_data_ptr<float>();
  parallel_rows({out.numel(), /*width=*/1}, [&args](int64_t /*chunk*/, int64_t begin, int64_t end) {
    kernels::lstm_gate(args, begin, end);
  });
}

template <class T>
void write_lstm_gradients(const at::Tensor& out_gradient,
                          const LstmGateTensors& saved,
                          const LstmGateTensors& gradients) {
  kernels::LstmGateBackwardArgs<T> args;
  args.out_gradient = out_gradient.const_data_ptr<float>();
  args.state = saved.state.const_data_ptr<float>();
  args.candidate = const_pointer<T>(saved.candidate);
  args.input = saved.input.const_data_ptr<float>();
  args.forget = saved.forget.const_data_ptr<float>();
  args.state_gradient = gradients.state.mutable_data_ptr<float>();
  args.candidate_gradient = mutable_pointer<T>(gradients.candidate);
  args.input_gradient = gradients.input.mutable_data_ptr<float>();
  args.forget_gradient = gradients.forget.mutable_data_ptr<float>();
  parallel_rows({out_gradient.numel(), /*width=*/1},
                [&args](int64_t /*chunk*/, int64_t begin, int64_t end) {
                  kernels::lstm_gate_backward(args, begin, end);
                });
}

struct FusedLstmGate : public torch::autograd::Function<FusedLstmGate> {
  static at::Tensor forward(AutogradContext* context,
                            const at::Tensor& state,
                            const at::Tensor& candidate,
                            const at::Tensor& input,
                            const at::Tensor& forget) {
    const LstmGateTensors saved = {state.contiguous(), candidate.contiguous(), input.contiguous(),
                                   forget.contiguous()};
    const at::Tensor out = contiguous_like(state);
    with_kernel_type(candidate.scalar_type(),
                     [&](auto type) { write_lstm<decltype(type)>(saved, out); });
    context->save_for_backward(saved.list());
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const LstmGateTensors saved = LstmGateTensors::of(context->get_saved_variables());
    const at::Tensor out_gradient = gradients[0].contiguous();
    const LstmGateTensors found = {contiguous_like(saved.state), contiguous_like(saved.candidate),
                                   contiguous_like(saved.input), contiguous_like(saved.forget)};
    with_kernel_type(saved.candidate.scalar_type(), [&](auto type) {
      write_lstm_gradients<decltype(type)>(out_gradient, saved, found);
    });
    return found.list();
  }
};

/// Whether the kernels of both gates can read these.
bool are_for_gates(const at::Tensor& state, const at::Tensor& candidate) {
  return is_float32_for_kernels(state) && state.numel() > 0 && candidate.sizes() == state.sizes() &&
         is_for_kernels(candidate);
}

bool is_like_state(const at::Tensor& x, const at::Tensor& state) {
  return is_float32_for_kernels(x) && x.sizes() == state.sizes();
}

}  // namespace

bool is_fixed_gate_fused(const at::Tensor& state,
                         const at::Tensor& candidate,
                         const at::Tensor& bias) {
  return are_for_gates(state, candidate) && is_float32_for_kernels(bias);
}

bool is_lstm_gate_fused(const at::Tensor& state,
                        const at::Tensor& candidate,
                        const at::Tensor& input,
                        const at::Tensor& forget) {
  return are_for_gates(state, candidate) && is_like_state(input, state) &&
         is_like_state(forget, state);
}

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
