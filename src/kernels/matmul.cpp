// SPDX-License-Identifier: Apache-2.0
// The choice of the matrix product's target.
#include "kernels/matmul.h"

#include "kernels/cpu_target.h"
#include "kernels/matmul_targets.h"

namespace brt::kernels {
void matmul(const MatmulArgs<float>& args) {
#if defined(__x86_64__)
  if (cpu_target() >= CpuTarget::kAvx512) {
    matmul_avx512(args);
    return;
  }
#endif
  matmul_scalar(args);
}

void matmul(const MatmulArgs<Bfloat16>& args) {
#if defined(__x86_64__)
  if (cpu_target() >= CpuTarget::kAmx) {
    matmul_amx(args);
    return;
  }
  if (cpu_target() >= CpuTarget::kAvx512Bf16) {
    matmul_avx512bf16(args);
    return;
  }
  if (cpu_target() >= CpuTarget::kAvx512) {
    matmul_avx512(args);
    return;
  }
#endif
  matmul_scalar(args);
}

}  // namespace brt::kernels
