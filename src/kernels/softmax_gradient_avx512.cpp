// SPDX-License-Identifier: Apache-2.0
// The softmax with AVX-512.
#include "kernels/softmax_gradient-inl.h"
#include "kernels/softmax_gradient_targets.h"
#include "kernels/vector_avx512-inl.h"

namespace brt::kernels {

void softmax_sums_avx512(const SoftmaxSumArgs& args) { softmax_sums_loop<Avx512Vector>(args); }
void softmax_gradient_avx512(const SoftmaxGradientArgs<float>& args) {
  softmax_gradient_loop<Avx512Vector>(args);
}
void softmax_gradient_avx512(const SoftmaxGradientArgs<Bfloat16>& args) {
  softmax_gradient_loop<Avx512Vector>(args);
}

}  // namespace brt::kernels
