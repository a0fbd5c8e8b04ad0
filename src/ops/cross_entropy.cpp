// SPDX-License-Identifier: Apache-2.0
// Cross-entropy: checks, the plain form of the weighted sum, and the choice of the fused forms.
#include "ops/cross_entropy.h"

#include <cmath>
#include <vector>

#include <fmt/format.h>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/linear.h>
#include <ATen/record_function.h>

#include "base/error.h"
#include "ops/cross_entropy_autograd.h"
#include "ops/fused_cross_entropy.h"
#include "ops/shape_check.h"
#include "ops/wide_dtype.h"

namespace brt {
namespace {

bool gradient_needed(const at::Tensor& hidden_RD, const at::Tensor& embedding_VD) {
  return at::GradMode::is_enabled() && (hidden_RD.requires_grad() || embedding_VD.requires_grad());
}

void check_operands(const at::Tensor& hidden_RD,
                    const at::Tensor& embedding_VD,
                    const at::Tensor& target_R) {
  check_shape("cross_entropy", "hidden_RD", hidden_RD, {-1, embedding_VD.size(1)});
  check_shape("cross_entropy", "target_R", target_R, {hidden_RD.size(0)});
  if (target_R.numel() == 0) {
    return;
  }
  const int64_t smallest = target_R.min().item<int64_t>();
  const int64_t largest = target_R.max().item<int64_t>();
  if (smallest < 0 || largest >= embedding_VD.size(0)) {
    throw ShapeError(fmt::format("cross_entropy: targets must lie in [0, {}), got {} to {}",
                                 embedding_VD.size(0), smallest, largest));
  }
}

}  // namespace

at::Tensor cross_entropy(const at::Tensor& hidden_RD,
                         const at::Tensor& embedding_VD,
                         const at::Tensor& target_R,
                         at::ScalarType dtype) {
  check_operands(hidden_RD, embedding_VD, target_R);
  if (!gradient_needed(hidden_RD, embedding_VD) &&
      is_cross_entropy_fused(hidden_RD, embedding_VD, dtype)) {
    return fused_token_losses(hidden_RD, embedding_VD, target_R, dtype);
  }
  return chunked_cross_entropy(hidden_RD, embedding_VD, target_R, dtype);
}

at::Tensor weighted_cross_entropy(const at::Tensor& hidden_RD,
                                  const at::Tensor& embedding_VD,
                                  const at::Tensor& target_R,
                                  const at::Tensor& weight_R,
                                  at::ScalarType dtype) {
  if (!is_cross_entropy_fused(hidden_RD, embedding_VD, dtype)) {
    return weighted_cross_entropy_reference(hidden_RD, embedding_VD, target_R, weight_R, dtype);
  }
  RECORD_FUNCTION("brt::cross_entropy", std::vector<c10::IValue>());
  check_operands(hidden_RD, embedding_VD, target_R);
  check_shape("cross_entropy", "weight_R", weight_R, {hidden_RD.size(0)});
  const at::Tensor constant_R = weight_R.detach().to(at::kFloat);
  if (gradient_needed(hidden_RD, embedding_VD)) {
    return fused_weighted_cross_entropy(hidden_RD, embedding_VD, target_R, constant_R, dtype);
  }
  return fused_weighted_loss(hidden_RD, embedding_VD, target_R, constant_R, dtype,
                             /*with_gradient=*/false)
      .loss;
}

at::Tensor weighted_cross_entropy_reference(const at::Tensor& hidden_RD,
                                            const at::Tensor& embedding_VD,
                                            const at::Tensor& target_R,
                                            const at::Tensor& weight_R,
                                            at::ScalarType dtype) {
  check_operands(hidden_RD, embedding_VD, target_R);
  check_shape("cross_entropy", "weight_R", weight_R, {hidden_RD.size(0)});
  const at::Tensor rows_A = weight_R.detach().ne(0).nonzero().squeeze(1);
  const at::Tensor nats_A = chunked_cross_entropy(hidden_RD.index_select(0, rows_A), embedding_VD,
                                                  target_R.index_select(0, rows_A), dtype);
  const at::Tensor weight_A = weight_R.detach().index_select(0, rows_A).to(at::kDouble);
  return (nats_A.to(at::kDouble) * weight_A).sum().to(nats_A.scalar_type());
}

at::Tensor tied_logits(const at::Tensor& hidden,
                       const at::Tensor& embedding_VD,
                       at::ScalarType dtype) {
  check_shape("tied_logits", "embedding_VD", embedding_VD, {-1, hidden.size(-1)});
  const double factor = 1.0 / std::sqrt(static_cast<double>(embedding_VD.size(1)));
  return at::linear(hidden.to(dtype), embedding_VD.to(dtype)).to(wide_dtype(dtype)).mul_(factor);
}

}  // namespace brt
