// SPDX-License-Identifier: Apache-2.0
// RMS normalisation: checks, plain form, choice of form.
#include "ops/rms_norm.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/rsqrt.h>

#include "config/model_constants.h"
#include "ops/rms_norm_autograd.h"
#include "ops/shape_check.h"

namespace brt {
namespace {

at::ScalarType wide_type(const at::Tensor& x) {
  return x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
}

bool has_kernel(const at::Tensor& x, const at::Tensor& gain, at::ScalarType out_dtype) {
  return x.is_cpu() && x.scalar_type() == at::kFloat && x.numel() > 0 && gain.is_cpu() &&
         gain.scalar_type() == at::kFloat &&
         (out_dtype == at::kFloat || out_dtype == at::kBFloat16);
}

}  // namespace

at::Tensor rms_norm(const at::Tensor& x,
                    const at::Tensor& gain,
                    std::optional<at::ScalarType> out_dtype) {
  check_shape("rms_norm", "gain", gain, {x.size(-1)});
  const at::ScalarType dtype = out_dtype.value_or(wide_type(x));
  return has_kernel(x, gain, dtype) ? fused_rms_norm(x, gain, dtype)
                                    : rms_norm_reference(x, gain, dtype);
}

at::Tensor rms_norm_reference(const at::Tensor& x,
                              const at::Tensor& gain,
                              std::optional<at::ScalarType> out_dtype) {
  const at::Tensor wide = x.to(wide_type(x));
  const at::Tensor mean_square = wide.square().mean(-1, /*keepdim=*/true);
  const at::Tensor y = wide * at::rsqrt(mean_square + kNormEpsilon) * gain;
  return y.to(out_dtype.value_or(wide_type(x)));
}

}  // namespace brt
