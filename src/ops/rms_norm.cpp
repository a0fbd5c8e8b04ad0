// SPDX-License-Identifier: Apache-2.0
// RMS normalisation: checks, plain form, choice of form.
#include "ops/rms_norm.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/rsqrt.h>

#include "config/model_constants.h"
#include "ops/rms_norm_autograd.h"
#include "ops/shape_check.h"
#include "ops/wide_dtype.h"

namespace brt {

at::Tensor rms_norm(const at::Tensor& x,
                    const at::Tensor& gain,
                    std::optional<at::ScalarType> out_dtype) {
  check_shape("rms_norm", "gain", gain, {x.size(-1)});
  const at::ScalarType dtype = out_dtype.value_or(wide_dtype(x.scalar_type()));
  return is_rms_norm_fused(x, gain, dtype) ? fused_rms_norm(x, gain, dtype)
                                           : rms_norm_reference(x, gain, dtype);
}

at::Tensor rms_norm_reference(const at::Tensor& x,
                              const at::Tensor& gain,
                              std::optional<at::ScalarType> out_dtype) {
  const at::Tensor wide = x.to(wide_dtype(x.scalar_type()));
  const at::Tensor mean_square = wide.square().mean(-1, /*keepdim=*/true);
  const at::Tensor y = wide * at::rsqrt(mean_square + kNormEpsilon) * gain;
  return y.to(out_dtype.value_or(wide_dtype(x.scalar_type())));
}

}  // namespace brt
