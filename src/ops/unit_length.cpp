// SPDX-License-Identifier: Apache-2.0
// Unit length in plain ATen.
#include "ops/unit_length.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/rsqrt.h>

#include "ops/rms_norm.h"

namespace brt {

at::Tensor unit_length(const at::Tensor& x) {
  const at::Tensor wide = x.scalar_type() == at::kDouble ? x : x.to(at::kFloat);
  const at::Tensor square_sum = wide.square().sum(-1, /*keepdim=*/true);
  return (wide * at::rsqrt(square_sum + kNormEpsilon)).to(x.scalar_type());
}

}  // namespace brt
