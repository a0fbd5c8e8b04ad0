// SPDX-License-Identifier: Apache-2.0
// Unit length: plain form, choice of form.
#include "ops/unit_length.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/rsqrt.h>

#include "config/model_constants.h"
#include "ops/unit_length_autograd.h"
#include "ops/wide_dtype.h"

namespace brt {

at::Tensor unit_length(const at::Tensor& x) {
  return is_unit_length_fused(x) ? fused_unit_length(x) : unit_length_reference(x);
}

at::Tensor unit_length_reference(const at::Tensor& x) {
  const at::Tensor wide = x.to(wide_dtype(x.scalar_type()));
  const at::Tensor square_sum = wide.square().sum(-1, /*keepdim=*/true);
  return (wide * at::rsqrt(square_sum + kNormEpsilon)).to(x.scalar_type());
}

}  // namespace brt
