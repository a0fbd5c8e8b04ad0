// SPDX-License-Identifier: Apache-2.0
// A weight matrix as a module.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

namespace brt {

/// y = x weight^T, without bias (model.md, "Linear").
struct LinearImpl : public torch::nn::Module {
  LinearImpl(int64_t in_features, int64_t out_features);
  /// @return [..., out] of `dtype`.
  at::Tensor forward(const at::Tensor& x, at::ScalarType dtype);

  at::Tensor weight;  ///< [out, in]
};
TORCH_MODULE(Linear);

}  // namespace brt
