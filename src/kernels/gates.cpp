// SPDX-License-Identifier: Apache-2.0
// The choice of the gates' target.
#include "kernels/gates.h"

#include "kernels/cpu_target.h"
#include "kernels/gates_targets.h"

namespace brt::kernels {
namespace {

template <class T>
void run(const FixedGateArgs<T>& args, int64_t begin, int64_t end) {
#if defined(__x86_64__)
  if (cpu_target() >= CpuTarget::kAvx512) {
    fixed_gate_avx512(args, begin, end);
    return;
  }
#endif
  fixed_gate_scalar(args, begin, end);
}

template <class T>
void run(const FixedGateBackwardArgs<T>& args, int64_t begin, int64_t end) {
#if defined(__x86_64__)
  if (cpu_target() >= CpuTarget::kAvx512) {
    fixed_gate_backward_avx512(args, begin, end);
    return;
  }
#endif
  fixed_gate_backward_scalar(args, begin, end);
}

template <class T>
void run(const LstmGateArgs<T>& args, int64_t begin, int64_t end) {
#if defined(__x86_64__)
  if (cpu_target() >= CpuTarget::kAvx512) {
    lstm_gate_avx512(args, begin, end);
    return;
  }
#endif
  lstm_gate_scalar(args, begin, end);
}

template <class T>
void run(const LstmGateBackwardArgs<T>& args, int64_t begin, int64_t end) {
#if defined(__x86_64__)
  if (cpu_target() >= CpuTarget::kAvx512) {
    lstm_gate_backward_avx512(args, begin, end);
    return;
  }
#endif
  lstm_gate_backward_scalar(args, begin, end);
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
