// SPDX-License-Identifier: Apache-2.0
// From words to LibTorch's dtypes.
#include "ops/compute_dtype.h"

#include "base/error.h"
#include "kernels/cpu_target.h"

namespace brt {

DType faster_dtype() {
  return kernels::cpu_target() == kernels::CpuTarget::kScalar ? DType::kFp32 : DType::kBf16;
}

at::ScalarType compute_dtype(DType dtype) {
  switch (dtype) {
    case DType::kFp32:
      return at::kFloat;
    case DType::kBf16:
      return at::kBFloat16;
    case DType::kAuto:
      return compute_dtype(faster_dtype());
  }
  throw ConfigError("train.dtype: unknown dtype");
}

}  // namespace brt
