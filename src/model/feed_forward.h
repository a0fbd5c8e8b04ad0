// SPDX-License-Identifier: Apache-2.0
// The two-layer feed-forward network.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include "model/forward_options.h"
#include "model/linear.h"

namespace brt {

/// relu(x W1) W2 (model.md, "The ordinary layer" and "Configurations").
struct FeedForwardImpl : public torch::nn::Module {
  FeedForwardImpl(int64_t in_features, int64_t hidden_features, int64_t out_features);
  /// relu(x W1): [..., F] of options.dtype.
  at::Tensor hidden(const at::Tensor& x, const ForwardOptions& options);
  /// h W2: [..., out] of options.dtype.
  at::Tensor output(const at::Tensor& hidden, const ForwardOptions& options);

  Linear up;    ///< W1
  Linear down;  ///< W2
};
TORCH_MODULE(FeedForward);

}  // namespace brt
