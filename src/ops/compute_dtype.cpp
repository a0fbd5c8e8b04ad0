// SPDX-License-Identifier: Apache-2.0
// From words to LibTorch's dtypes.
#include "ops/compute_dtype.h"

#include "kernels/cpu_target.h"

namespace brt {

DType resolved_dtype(DType dtype) {
  if (dtype != DType::kAuto) {
    return dtype;
  }
  return kernels::cpu_target() == kernels::CpuTarget::kScalar ? DType::kFp32 : DType::kBf16;
}

at::ScalarType compute_dtype(DType dtype) {
  return resolved_dtype(dtype) == DType::kBf16 ? at::kBFloat16 : at::kFloat;
}

}  // namespace brt
