// SPDX-License-Identifier: Apache-2.0
// Chunked cross-entropy in plain ATen, with its gradient; and the choice of the fused form.
#include "ops/cross_entropy.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/zeros_like.h>
#include <ATen/record_function.h>
#include <torch/csrc/autograd/custom_function.h>

#include "base/error.h"
#include "ops/fused_cross_entropy.h"
#include "ops/shape_check.h"

namespace brt {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Logits of one chunk: 32 MiB of float32 stay near the caches' reach and amortise the products.
constexpr int64_t kChunkElements = int64_t{1} << 23;

int64_t rows_of_a_chunk(int64_t vocab_size) {
  return std::max<int64_t>(64, kChunkElements / vocab_size);
}

at::ScalarType wide_type(at::ScalarType dtype) {
  return dtype == at::kDouble ? at::kDouble : at::kFloat;
}

/// Saved: hidden [R, D], embedding [V, D], target [R].
struct CrossEntropy : public torch::autograd::Function<CrossEntropy> {
  static at::Tensor forward(AutogradContext* context,
                            const at::Tensor& hidden_RD,
                            const at::Tensor& embedding_VD,
                            const at::Tensor& target_R,
                            int64_t dtype) {
    context->save_for_backward({hidden_RD, embedding_VD, target_R});
    context->saved_data["dtype"] = dtype;
    std::vector<at::Tensor> nats;
    const int64_t chunk = rows_of_a_chunk(embedding_VD.size(0));
    for (int64_t begin = 0; begin < hidden_RD.size(0); begin += chunk) {
      const int64_t rows = std::min(chunk, hidden_RD.size(0) - begin);
      const at::Tensor logits_RV = tied_logits(hidden_RD.narrow(0, begin, rows), embedding_VD,
                                               static_cast<at::ScalarType>(dtype));
      const at::Tensor index_R1 = target_R.narrow(0, begin, rows).unsqueeze(1);
      nats.push_back(at::log_softmax(logits_RV, 1).gather(1, index_R1).squeeze(1).neg());
    }
    return nats.empty() ? hidden_RD.new_zeros({0}) : at::cat(nats);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& hidden_RD = saved[0];
    const at::Tensor& embedding_VD = saved[1];
    const at::Tensor& target_R = saved[2];
    const at::Tensor& nats_gradient_R = gradients[0];
    const at::ScalarType dtype = static_cast<at::ScalarType>(context->saved_data["dtype"].toInt());
    const double factor = 1.0 / std::sqrt(static_cast<double>(embedding_VD.size(1)));

    at::Tensor hidden_gradient_RD = at::zeros_like(hidden_RD);
    at::Tensor embedding_gradient_VD = at::zeros_like(embedding_VD);
    const at::Tensor table_VD = embedding_VD.to(dtype);
    const int64_t chunk = rows_of_a_chunk(embedding_VD.size(0));
    for (int64_t begin = 0; begin < hidden_RD.size(0); begin += chunk) {
      const int64_t rows = std::min(chunk, hidden_RD.size(0) - begin);
      const at::Tensor hidden_chunk_RD = hidden_RD.narrow(0, begin, rows);
      // d nats / d logits = softmax - one_hot(target)
      at::Tensor logits_gradient_RV =
          at::log_softmax(tied_logits(hidden_chunk_RD, embedding_VD, dtype), 1).exp_();
      const at::Tensor index_R1 = target_R.narrow(0, begin, rows).unsqueeze(1);
      logits_gradient_RV.scatter_add_(1, index_R1, logits_gradient_RV.new_full({rows, 1}, -1.0));
      logits_gradient_RV.mul_((nats_gradient_R.narrow(0, begin, rows) * factor).unsqueeze(1));
      const at::Tensor product_RV = logits_gradient_RV.to(dtype);
      hidden_gradient_RD.narrow(0, begin, rows).copy_(at::matmul(product_RV, table_VD));
      embedding_gradient_VD.add_(at::matmul(product_RV.t(), hidden_chunk_RD.to(dtype)));
    }
    return {hidden_gradient_RD, embedding_gradient_VD, at::Tensor(), at::Tensor()};
  }
};

/// Saved: gradients of hidden [R, D] and embedding [V, D], of loss itself.
struct FusedCrossEntropy : public torch::autograd::Function<FusedCrossEntropy> {
  static at::Tensor forward(AutogradContext* context,
                            const at::Tensor& hidden_RD,
                            const at::Tensor& embedding_VD,
                            const at::Tensor& target_R,
                            const at::Tensor& weight_R,
                            int64_t dtype) {
    const WeightedLoss weighted =
        fused_weighted_loss(hidden_RD, embedding_VD, target_R, weight_R,
                            static_cast<at::ScalarType>(dtype), /*with_gradient=*/true);
    context->save_for_backward({weighted.hidden_gradient_RD, weighted.embedding_gradient_VD});
    return weighted.loss;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    // No copy of [V, D] where the loss is what backward was called on.
    const bool as_saved = gradients[0].item<float>() == 1.0F;
    const at::Tensor hidden_gradient_RD = as_saved ? saved[0] : saved[0] * gradients[0];
    const at::Tensor embedding_gradient_VD = as_saved ? saved[1] : saved[1] * gradients[0];
    return {hidden_gradient_RD, embedding_gradient_VD, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

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
      fused_cross_entropy_runs(hidden_RD, embedding_VD, dtype)) {
    return fused_token_losses(hidden_RD, embedding_VD, target_R, dtype);
  }
  return CrossEntropy::apply(hidden_RD, embedding_VD, target_R, static_cast<int64_t>(dtype));
}

at::Tensor weighted_cross_entropy(const at::Tensor& hidden_RD,
                                  const at::Tensor& embedding_VD,
                                  const at::Tensor& target_R,
                                  const at::Tensor& weight_R,
                                  at::ScalarType dtype) {
  if (!fused_cross_entropy_runs(hidden_RD, embedding_VD, dtype)) {
    return weighted_cross_entropy_reference(hidden_RD, embedding_VD, target_R, weight_R, dtype);
  }
  RECORD_FUNCTION("brt::cross_entropy", std::vector<c10::IValue>());
  check_operands(hidden_RD, embedding_VD, target_R);
  check_shape("cross_entropy", "weight_R", weight_R, {hidden_RD.size(0)});
  const at::Tensor constant_R = weight_R.detach().to(at::kFloat);
  if (gradient_needed(hidden_RD, embedding_VD)) {
    return FusedCrossEntropy::apply(hidden_RD, embedding_VD, target_R, constant_R,
                                    static_cast<int64_t>(dtype));
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
  const at::Tensor nats_A =
      CrossEntropy::apply(hidden_RD.index_select(0, rows_A), embedding_VD,
                          target_R.index_select(0, rows_A), static_cast<int64_t>(dtype));
  const at::Tensor weight_A = weight_R.detach().index_select(0, rows_A).to(at::kDouble);
  return (nats_A.to(at::kDouble) * weight_A).sum().to(nats_A.scalar_type());
}

at::Tensor tied_logits(const at::Tensor& hidden,
                       const at::Tensor& embedding_VD,
                       at::ScalarType dtype) {
  check_shape("tied_logits", "embedding_VD", embedding_VD, {-1, hidden.size(-1)});
  const double factor = 1.0 / std::sqrt(static_cast<double>(embedding_VD.size(1)));
  return at::linear(hidden.to(dtype), embedding_VD.to(dtype)).to(wide_type(dtype)).mul_(factor);
}

}  // namespace brt
