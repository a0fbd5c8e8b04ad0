// SPDX-License-Identifier: Apache-2.0
// The choice of the table.
#include "kernels/kernel_table.h"

#include "kernels/cpu_target.h"

namespace brt::kernels {

namespace {

/// Of the same bits on every machine, in vectors as wide as the target has them.
const KernelTable& portable_table() {
#if defined(__x86_64__)
  if (cpu_target() >= CpuTarget::kAvx512) {
    return kernels_portable512();
  }
  if (cpu_target() >= CpuTarget::kAvx2) {
    return kernels_portable256();
  }
#endif
  return kernels_scalar();
}

}  // namespace

const KernelTable& kernel_table() {
  if (is_arithmetic_portable()) {
    return portable_table();
  }
  switch (cpu_target()) {
#if defined(__x86_64__)
    case CpuTarget::kAvx2:
      return kernels_avx2();
    case CpuTarget::kAvx2Vnni:
      return kernels_avx2vnni();
    case CpuTarget::kAvx512:
      return kernels_avx512();
    case CpuTarget::kAvx512Vnni:
      return kernels_avx512vnni();
    case CpuTarget::kAvx512Bf16:
      return kernels_avx512bf16();
    case CpuTarget::kAmx:
      return kernels_amx();
#elif defined(__aarch64__)
    case CpuTarget::kNeon:
      return kernels_neon();
#endif
    default:
      return kernels_scalar();
  }
}

}  // namespace brt::kernels
