// SPDX-License-Identifier: Apache-2.0
// The gates in loops that the compiler vectorises; limited by memory.
#pragma once

#include "kernels/exp-inl.h"
#include "kernels/gates.h"
#include "kernels/independent_iterations.h"

namespace brt::kernels {
namespace {

template <class T>
void fixed_gate_rows(const FixedGateArgs<T>& args, int64_t begin, int64_t end) {
  const float* keep = args.keep;
  for (int64_t row = begin; row < end; ++row) {
    const float* state = args.state + row * args.width;
    const T* candidate = args.candidate + row * args.width;
    float* out = args.out + row * args.width;
    BRT_INDEPENDENT_ITERATIONS
    for (int64_t d = 0; d < args.width; ++d) {
      out[d] = state[d] * keep[d] + to_float(candidate[d]) * (1.0F - keep[d]);
    }
  }
}

template <class T>
void fixed_gate_backward_rows(const FixedGateBackwardArgs<T>& args, int64_t begin, int64_t end) {
  const float* keep = args.keep;
  float* keep_gradient = args.keep_gradient;
  for (int64_t row = begin; row < end; ++row) {
    const float* out_gradient = args.out_gradient + row * args.width;
    const float* state = args.state + row * args.width;
    const T* candidate = args.candidate + row * args.width;
    float* state_gradient = args.state_gradient + row * args.width;
    T* candidate_gradient = args.candidate_gradient + row * args.width;
    BRT_INDEPENDENT_ITERATIONS
    for (int64_t d = 0; d < args.width; ++d) {
      const float gradient = out_gradient[d];
      state_gradient[d] = gradient * keep[d];
      from_float(gradient * (1.0F - keep[d]), candidate_gradient[d]);
      keep_gradient[d] += gradient * (state[d] - to_float(candidate[d]));
    }
  }
}

template <class T>
void lstm_gate_elements(const LstmGateArgs<T>& args, int64_t begin, int64_t end) {
  const float* state = args.state;
  const T* candidate = args.candidate;
  const float* input = args.input;
  const float* forget = args.forget;
  float* out = args.out;
  BRT_INDEPENDENT_ITERATIONS
  for (int64_t i = begin; i < end; ++i) {
    out[i] =
        state[i] * sigmoid(forget[i] + 1.0F) + to_float(candidate[i]) * sigmoid(input[i] - 1.0F);
  }
}

template <class T>
void lstm_gate_backward_elements(const LstmGateBackwardArgs<T>& args, int64_t begin, int64_t end) {
  const float* out_gradient = args.out_gradient;
  const float* state = args.state;
  const T* candidate = args.candidate;
  const float* input = args.input;
  const float* forget = args.forget;
  float* state_gradient = args.state_gradient;
  T* candidate_gradient = args.candidate_gradient;
  float* input_gradient = args.input_gradient;
  float* forget_gradient = args.forget_gradient;
  BRT_INDEPENDENT_ITERATIONS
  for (int64_t i = begin; i < end; ++i) {
    const float gradient = out_gradient[i];
    const float keep = sigmoid(forget[i] + 1.0F);
    const float write = sigmoid(input[i] - 1.0F);
    state_gradient[i] = gradient * keep;
    from_float(gradient * write, candidate_gradient[i]);
    input_gradient[i] = gradient * to_float(candidate[i]) * write * (1.0F - write);
    forget_gradient[i] = gradient * state[i] * keep * (1.0F - keep);
  }
}

}  // namespace
}  // namespace brt::kernels
