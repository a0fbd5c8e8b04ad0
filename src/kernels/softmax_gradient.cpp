// SPDX-License-Identifier: Apache-2.0
// The choice of the softmax's target.
#include "kernels/softmax_gradient.h"

#include "kernels/cpu_target.h"
#include "kernels/softmax_gradient_targets.h"

namespace brt::kernels {
void softmax_sums(const SoftmaxSumArgs& args) {
#if defined(__x86_64__)
  if (cpu_target() >= CpuTarget::kAvx512) {
    softmax_sums_avx512(args);
    return;
  }
#endif
  softmax_sums_scalar(args);
}

void softmax_gradient(const SoftmaxGradientArgs<float>& args) {
#if defined(__x86_64__)
  if (cpu_target() >= CpuTarget::kAvx512) {
    softmax_gradient_avx512(args);
    return;
  }
#endif
  softmax_gradient_scalar(args);
}

void softmax_gradient(const SoftmaxGradientArgs<Bfloat16>& args) {
#if defined(__x86_64__)
  if (cpu_target() >= CpuTarget::kAvx512Bf16) {
    softmax_gradient_avx512bf16(args);
    return;
  }
  if (cpu_target() >= CpuTarget::kAvx512) {
    softmax_gradient_avx512(args);
    return;
  }
#endif
  softmax_gradient_scalar(args);
}

}  // namespace brt::kernels
