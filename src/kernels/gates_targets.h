// SPDX-License-Identifier: Apache-2.0
// The entries of kernels/gates.h, one per CPU target.
#pragma once

#include "kernels/gates.h"

namespace brt::kernels {

void fixed_gate_scalar(const FixedGateArgs<float>& args, int64_t begin, int64_t end);
void fixed_gate_scalar(const FixedGateArgs<Bfloat16>& args, int64_t begin, int64_t end);
void fixed_gate_backward_scalar(const FixedGateBackwardArgs<float>& args,
                                int64_t begin,
                                int64_t end);
void fixed_gate_backward_scalar(const FixedGateBackwardArgs<Bfloat16>& args,
                                int64_t begin,
                                int64_t end);
void lstm_gate_scalar(const LstmGateArgs<float>& args, int64_t begin, int64_t end);
void lstm_gate_scalar(const LstmGateArgs<Bfloat16>& args, int64_t begin, int64_t end);
void lstm_gate_backward_scalar(const LstmGateBackwardArgs<float>& args, int64_t begin, int64_t end);
void lstm_gate_backward_scalar(const LstmGateBackwardArgs<Bfloat16>& args,
                               int64_t begin,
                               int64_t end);
void fixed_gate_avx512(const FixedGateArgs<float>& args, int64_t begin, int64_t end);
void fixed_gate_avx512(const FixedGateArgs<Bfloat16>& args, int64_t begin, int64_t end);
void fixed_gate_backward_avx512(const FixedGateBackwardArgs<float>& args,
                                int64_t begin,
                                int64_t end);
void fixed_gate_backward_avx512(const FixedGateBackwardArgs<Bfloat16>& args,
                                int64_t begin,
                                int64_t end);
void lstm_gate_avx512(const LstmGateArgs<float>& args, int64_t begin, int64_t end);
void lstm_gate_avx512(const LstmGateArgs<Bfloat16>& args, int64_t begin, int64_t end);
void lstm_gate_backward_avx512(const LstmGateBackwardArgs<float>& args, int64_t begin, int64_t end);
void lstm_gate_backward_avx512(const LstmGateBackwardArgs<Bfloat16>& args,
                               int64_t begin,
                               int64_t end);

}  // namespace brt::kernels
