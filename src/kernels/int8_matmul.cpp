// SPDX-License-Identifier: Apache-2.0
// The choice of target for products with weights of 8 bits and for the rows they take.
#include "kernels/int8_matmul.h"

#include "kernels/cpu_target.h"
#include "kernels/int8_targets.h"
#include "kernels/matmul_targets.h"
#include "kernels/thread_scratch.h"

namespace brt::kernels {

void quantize_rows(const QuantizeRowsArgs& args, int64_t begin, int64_t end) {
#if defined(__x86_64__)
  if (cpu_target() >= CpuTarget::kAvx512) {
    quantize_rows_avx512(args, begin, end);
    return;
  }
#endif
  quantize_rows_scalar(args, begin, end);
}

void matmul_int8(const MatmulInt8Args& args) {
#if defined(__x86_64__)
  if (cpu_target() == CpuTarget::kAmx) {
    matmul_int8_amx(args, thread_scratch(kAmxScratchBytes));
    return;
  }
  if (cpu_target() >= CpuTarget::kAvx512Vnni) {
    matmul_int8_avx512vnni(args);
    return;
  }
  if (cpu_target() >= CpuTarget::kAvx512) {
    matmul_int8_avx512(args);
    return;
  }
#endif
  matmul_int8_scalar(args);
}

}  // namespace brt::kernels
