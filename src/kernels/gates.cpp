// SPDX-License-Identifier: Apache-2.0
// The gates of the CPU's target, their arguments checked.
#include "kernels/gates.h"

#include "base/check.h"
#include "kernels/argument_checks.h"
#include "kernels/kernel_table.h"

namespace brt::kernels {
namespace {

template <class T>
void check(const FixedGateArgs<T>& args, int64_t begin, int64_t end) {
  const int64_t size = end * args.width;
  BRT_ASSERT(is_range(begin, end));
  BRT_ASSERT(is_matrix(args.state, end, args.width, args.width));
  BRT_ASSERT(is_array(args.candidate, size));
  BRT_ASSERT(is_array(args.out, size));
  BRT_ASSERT(end == 0 || is_array(args.keep, args.width));
  BRT_ASSERT(are_apart(args.out, size, args.state, size));
  BRT_ASSERT(are_apart(args.out, size, args.candidate, size));
}

template <class T>
void check(const FixedGateBackwardArgs<T>& args, int64_t begin, int64_t end) {
  const int64_t size = end * args.width;
  BRT_ASSERT(is_range(begin, end));
  BRT_ASSERT(is_matrix(args.state, end, args.width, args.width));
  BRT_ASSERT(is_array(args.out_gradient, size));
  BRT_ASSERT(is_array(args.candidate, size));
  BRT_ASSERT(is_array(args.state_gradient, size));
  BRT_ASSERT(is_array(args.candidate_gradient, size));
  BRT_ASSERT(end == 0 || is_array(args.keep, args.width));
  BRT_ASSERT(end == 0 || is_array(args.keep_gradient, args.width));
  BRT_ASSERT(are_apart(args.state_gradient, size, args.out_gradient, size));
  BRT_ASSERT(are_apart(args.candidate_gradient, size, args.out_gradient, size));
}

template <class T>
void check(const LstmGateArgs<T>& args, int64_t begin, int64_t end) {
  BRT_ASSERT(is_range(begin, end));
  BRT_ASSERT(is_array(args.state, end));
  BRT_ASSERT(is_array(args.candidate, end));
  BRT_ASSERT(is_array(args.input, end));
  BRT_ASSERT(is_array(args.forget, end));
  BRT_ASSERT(is_array(args.out, end));
  BRT_ASSERT(are_apart(args.out, end, args.state, end));
  BRT_ASSERT(are_apart(args.out, end, args.candidate, end));
}

template <class T>
void check(const LstmGateBackwardArgs<T>& args, int64_t begin, int64_t end) {
  BRT_ASSERT(is_range(begin, end));
  BRT_ASSERT(is_array(args.out_gradient, end));
  BRT_ASSERT(is_array(args.state, end));
  BRT_ASSERT(is_array(args.candidate, end));
  BRT_ASSERT(is_array(args.input, end));
  BRT_ASSERT(is_array(args.forget, end));
  BRT_ASSERT(is_array(args.state_gradient, end));
  BRT_ASSERT(is_array(args.candidate_gradient, end));
  BRT_ASSERT(is_array(args.input_gradient, end));
  BRT_ASSERT(is_array(args.forget_gradient, end));
}

template <class T>
void run(const FixedGateArgs<T>& args, int64_t begin, int64_t end) {
  check(args, begin, end);
  kernels_of<T>().fixed_gate(args, begin, end);
}

template <class T>
void run(const FixedGateBackwardArgs<T>& args, int64_t begin, int64_t end) {
  check(args, begin, end);
  kernels_of<T>().fixed_gate_backward(args, begin, end);
}

template <class T>
void run(const LstmGateArgs<T>& args, int64_t begin, int64_t end) {
  check(args, begin, end);
  kernels_of<T>().lstm_gate(args, begin, end);
}

template <class T>
void run(const LstmGateBackwardArgs<T>& args, int64_t begin, int64_t end) {
  check(args, begin, end);
  kernels_of<T>().lstm_gate_backward(args, begin, end);
}

}  // namespace

void fixed_gate(const FixedGateArgs<float>& args, int64_t begin, int64_t end) {
  run(args, begin, end);
}
void fixed_gate(const FixedGateArgs<Bfloat16>& args, int64_t begin, int64_t end) {
  run(args, begin, end);
}
void fixed_gate_backward(const FixedGateBackwardArgs<float>& args, int64_t begin, int64_t end) {
  run(args, begin, end);
}
void fixed_gate_backward(const FixedGateBackwardArgs<Bfloat16>& args, int64_t begin, int64_t end) {
  run(args, begin, end);
}
void lstm_gate(const LstmGateArgs<float>& args, int64_t begin, int64_t end) {
  run(args, begin, end);
}
void lstm_gate(const LstmGateArgs<Bfloat16>& args, int64_t begin, int64_t end) {
  run(args, begin, end);
}
void lstm_gate_backward(const LstmGateBackwardArgs<float>& args, int64_t begin, int64_t end) {
  run(args, begin, end);
}
void lstm_gate_backward(const LstmGateBackwardArgs<Bfloat16>& args, int64_t begin, int64_t end) {
  run(args, begin, end);
}

}  // namespace brt::kernels
