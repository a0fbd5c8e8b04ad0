// SPDX-License-Identifier: Apache-2.0
// Cross-entropy as autograd functions: chunked in plain ATen, and fused.
#include "ops/cross_entropy_autograd.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include "ops/cross_entropy.h"
#include "ops/fused_cross_entropy.h"

namespace brt {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Logits of one chunk: 32 MiB of float32 stay near the caches' reach and amortise the products.
constexpr int64_t kChunkElements = int64_t{1} << 23;

int64_t rows_of_a_chunk(int64_t vocab_size) {
  return std::max<int64_t>(64, kChunkElements / vocab_size);
}

/// What the chunked form's backward needs.
struct SavedCrossEntropy {
  at::Tensor hidden_RD, embedding_VD, target_R;

  variable_list list() const { return {hidden_RD, embedding_VD, target_R}; }
  static SavedCrossEntropy of(const variable_list& saved) { return {saved[0], saved[1], saved[2]}; }
};

struct ChunkedCrossEntropy : public torch::autograd::Function<ChunkedCrossEntropy> {
  static at::Tensor forward(AutogradContext* context,
                            const at::Tensor& hidden_RD,
                            const at::Tensor& embedding_VD,
                            const at::Tensor& target_R,
                            int64_t dtype) {
    context->save_for_backward(SavedCrossEntropy{hidden_RD, embedding_VD, target_R}.list());
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
    const auto [hidden_RD, embedding_VD, target_R] =
        SavedCrossEntropy::of(context->get_saved_variables());
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

/// Gradients of the loss itself, which the fused form's backward hands out.
struct SavedGradients {
  at::Tensor hidden_RD, embedding_VD;

  variable_list list() const { return {hidden_RD, embedding_VD}; }
  static SavedGradients of(const variable_list& saved) { return {saved[0], saved[1]}; }
};

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
    context->save_for_backward(
        SavedGradients{weighted.hidden_gradient_RD, weighted.embedding_gradient_VD}.list());
    return weighted.loss;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    SavedGradients found = SavedGradients::of(context->get_saved_variables());
    // No copy of [V, D] where the loss is what backward was called on.
    if (gradients[0].item<float>() != 1.0F) {
      found = {found.hidden_RD * gradients[0], found.embedding_VD * gradients[0]};
    }
    return {found.hidden_RD, found.embedding_VD, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor chunked_cross_entropy(const at::Tensor& hidden_RD,
                                 const at::Tensor& embedding_VD,
                                 const at::Tensor& target_R,
                                 at::ScalarType dtype) {
  return ChunkedCrossEntropy::apply(hidden_RD, embedding_VD, target_R, static_cast<int64_t>(dtype));
}

at::Tensor fused_weighted_cross_entropy(const at::Tensor& hidden_RD,
                                        const at::Tensor& embedding_VD,
                                        const at::Tensor& target_R,
                                        const at::Tensor& weight_R,
                                        at::ScalarType dtype) {
  return FusedCrossEntropy::apply(hidden_RD, embedding_VD, target_R, weight_R,
                                  static_cast<int64_t>(dtype));
}

}  // namespace brt
