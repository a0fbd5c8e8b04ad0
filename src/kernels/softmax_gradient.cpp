// SPDX-License-Identifier: Apache-2.0
// The choice of the softmax's target.
#include "kernels/softmax_gradient.h"

#include "kernels/cpu_target.h"
#include "kernels/softmax_gradient_targets.h"

namespace brt::kernels {
namespace {

template <class T>
void dispatch_gradient(const SoftmaxGradientArgs<T>& args) {
#if defined(__x86_64__)
  if (cpu_target() >= CpuTarget::kAvx512) {
    softmax_gradient_avx512(args);
    return;
  }
#endif
  softmax_gradient_scalar(args);
}

}  // namespace

void softmax_sums(const SoftmaxSumArgs& args) {
#if defined(__x86_64__)
  if (cpu_target() >= CpuTarget::kAvx512) {
    softmax_sums_avx512(args);
    return;
  }
#endif
  softmax_sums_scalar(args);
}

void softmax_gradient(const SoftmaxGradientArgs<float>& args) { dispatch_gradient(args); }
void softmax_gradient(const SoftmaxGradientArgs<Bfloat16>& args) { dispatch_gradient(args); }

}  // namespace brt::kernels
