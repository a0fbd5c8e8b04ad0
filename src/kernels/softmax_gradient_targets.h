// SPDX-License-Identifier: Apache-2.0
// The entries of kernels/softmax_gradient.h, one per CPU target.
#pragma once

#include "kernels/softmax_gradient.h"

namespace brt::kernels {

void softmax_sums_scalar(const SoftmaxSumArgs& args);
void softmax_gradient_scalar(const SoftmaxGradientArgs<float>& args);
void softmax_gradient_scalar(const SoftmaxGradientArgs<Bfloat16>& args);
void softmax_sums_avx512(const SoftmaxSumArgs& args);
void softmax_gradient_avx512(const SoftmaxGradientArgs<float>& args);
void softmax_gradient_avx512(const SoftmaxGradientArgs<Bfloat16>& args);
void softmax_gradient_avx512bf16(const SoftmaxGradientArgs<Bfloat16>& args);

}  // namespace brt::kernels
