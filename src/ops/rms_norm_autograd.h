// SPDX-License-Identifier: Apache-2.0
// RMS normalisation by kernels: for ops/rms_norm.cpp alone.
#pragma once

#include <ATen/core/Tensor.h>

namespace brt {

/// Whether the kernels compute this: float32 on the CPU, to float32 or bfloat16.
bool is_rms_norm_fused(const at::Tensor& x, const at::Tensor& gain, at::ScalarType out_dtype);

/// What ops/rms_norm.h promises; is_rms_norm_fused() holds.
at::Tensor fused_rms_norm(const at::Tensor& x, const at::Tensor& gain, at::ScalarType out_dtype);

}  // namespace brt
