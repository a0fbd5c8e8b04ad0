// SPDX-License-Identifier: Apache-2.0
// Products with weights of 8 bits in plain loops.
#include "kernels/int8_matmul-inl.h"
#include "kernels/int8_targets.h"

namespace brt::kernels {

void matmul_int8_scalar(const MatmulInt8Args& args) { blocked_matmul_int8<PlainInt8Micro>(args); }

}  // namespace brt::kernels
