// SPDX-License-Identifier: Apache-2.0
// The gates for every machine.
#include "kernels/gates-inl.h"
#include "kernels/gates_targets.h"

namespace brt::kernels {

void fixed_gate_scalar(const FixedGateArgs<float>& args, int64_t begin, int64_t end) {
  fixed_gate_rows(args, begin, end);
}
void fixed_gate_scalar(const FixedGateArgs<Bfloat16>& args, int64_t begin, int64_t end) {
  fixed_gate_rows(args, begin, end);
}
void fixed_gate_backward_scalar(const FixedGateBackwardArgs<float>& args,
                                int64_t begin,
                                int64_t end) {
  fixed_gate_backward_rows(args, begin, end);
}
void fixed_gate_backward_scalar(const FixedGateBackwardArgs<Bfloat16>& args,
                                int64_t begin,
                                int64_t end) {
  fixed_gate_backward_rows(args, begin, end);
}
void lstm_gate_scalar(const LstmGateArgs<float>& args, int64_t begin, int64_t end) {
  lstm_gate_elements(args, begin, end);
}
void lstm_gate_scalar(const LstmGateArgs<Bfloat16>& args, int64_t begin, int64_t end) {
  lstm_gate_elements(args, begin, end);
}
void lstm_gate_backward_scalar(const LstmGateBackwardArgs<float>& args,
                               int64_t begin,
                               int64_t end) {
  lstm_gate_backward_elements(args, begin, end);
}
void lstm_gate_backward_scalar(const LstmGateBackwardArgs<Bfloat16>& args,
                               int64_t begin,
                               int64_t end) {
  lstm_gate_backward_elements(args, begin, end);
}

}  // namespace brt::kernels
