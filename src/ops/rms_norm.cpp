// SPDX-License-Identifier: Apache-2.0
// RMS normalisation in plain ATen.
#include "ops/rms_norm.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/rsqrt.h>

#include "ops/shape_check.h"

namespace brt {

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& gain) {
  check_shape("rms_norm", "gain", gain, {x.size(-1)});
  const at::Tensor wide = x.scalar_type() == at::kDouble ? x : x.to(at::kFloat);
  const at::Tensor mean_square = wide.square().mean(-1, /*keepdim=*/true);
  return wide * at::rsqrt(mean_square + kNormEpsilon) * gain;
}

}  // namespace brt
