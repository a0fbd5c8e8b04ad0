// SPDX-License-Identifier: Apache-2.0
// RMS normalisation as a module.
#include "model/rms_norm.h"

#include <ATen/ops/empty.h>

#include "ops/rms_norm.h"

namespace brt {

RmsNormImpl::RmsNormImpl(int64_t width)
    : weight(register_parameter("weight", at::empty({width}))) {}

at::Tensor RmsNormImpl::forward(const at::Tensor& x, std::optional<at::ScalarType> out_dtype) {
  return rms_norm(x, weight, out_dtype);
}

}  // namespace brt
