// SPDX-License-Identifier: Apache-2.0
// The softmax with AVX-512, which rounds to bfloat16 itself.
#include "kernels/softmax_gradient-inl.h"
#include "kernels/softmax_gradient_targets.h"
#include "kernels/vector_avx512-inl.h"

namespace brt::kernels {

void softmax_gradient_avx512bf16(const SoftmaxGradientArgs<Bfloat16>& args) {
  softmax_gradient_loop<Avx512Vector>(args);
}

}  // namespace brt::kernels
