// SPDX-License-Identifier: Apache-2.0
// The two-layer feed-forward network.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include "model/linear.h"

namespace brt {

/// relu(x W1) W2 (model.md, "The ordinary layer" and "Configurations").
struct FeedForwardImpl : public torch::nn::Module {
  FeedForwardImpl(int64_t in_features, int64_t hidden_features, int64_t out_features);
  /// relu(x W1): [..., F] of `dtype`.
  at::Tensor hidden(const at::Tensor& x, at::ScalarType dtype);
  /// h W2: [..., out] of `dtype`.
  at::Tensor output(const at::Tensor& hidden, at::ScalarType dtype);

  Linear up;    ///< W1
  Linear down;  ///< W2
};
TORCH_MODULE(FeedForward);

}  // namespace brt
