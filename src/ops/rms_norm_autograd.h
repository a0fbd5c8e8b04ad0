// SPDX-License-Identifier: Apache-2.0
// RMS normalisation by kernels: for ops/rms_norm.cpp alone.
#pragma once

#include <ATen/core/Tensor.h>

namespace brt {

/// rms_norm of float32 CPU tensors with at least one element.
/// @param out_dtype kFloat or kBFloat16
at::Tensor fused_rms_norm(const at::Tensor& x, const at::Tensor& gain, at::ScalarType out_dtype);

}  // namespace brt
