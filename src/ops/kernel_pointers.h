// SPDX-License-Identifier: Apache-2.0
// Tensors' memory as the kernels want it.
#pragma once

#include <ATen/core/Tensor.h>

#include "kernels/bfloat16.h"

namespace brt {

/// Whether kernels compute with numbers of this type: float32 or bfloat16.
inline bool is_for_kernels(at::ScalarType dtype) {
  return dtype == at::kFloat || dtype == at::kBFloat16;
}

/// Whether kernels can compute with this tensor: of such a type, on the CPU.
inline bool is_for_kernels(const at::Tensor& tensor) {
  return tensor.is_cpu() && is_for_kernels(tensor.scalar_type());
}

/// The same where kernels take float32 alone: weights, gains, states, residuals.
inline bool is_float32_for_kernels(const at::Tensor& tensor) {
  return tensor.is_cpu() && tensor.scalar_type() == at::kFloat;
}

/// function(T()) with the kernels' type of kFloat or kBFloat16.
template <class Function>
decltype(auto) with_kernel_type(at::ScalarType dtype, const Function& function) {
  return dtype == at::kBFloat16 ? function(kernels::Bfloat16()) : function(float());
}

/// The values of a contiguous tensor of kFloat (T = float) or kBFloat16 (T = kernels::Bfloat16).
template <class T>
const T* const_pointer(const at::Tensor& tensor) {
  return static_cast<const T*>(tensor.const_data_ptr());
}
template <class T>
T* mutable_pointer(const at::Tensor& tensor) {
  return static_cast<T*>(tensor.mutable_data_ptr());
}

}  // namespace brt
