// SPDX-License-Identifier: Apache-2.0
// A weight matrix as a module.
#pragma once

#include <cstdint>
#include <memory>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include "ops/linear.h"

namespace brt {

/// y = x weight^T, without bias (model.md, "Linear").
struct LinearImpl : public torch::nn::Module {
  LinearImpl(int64_t in_features, int64_t out_features);
  /// @return [..., out] of `dtype`.
  at::Tensor forward(const at::Tensor& x, at::ScalarType dtype);
  /// The weight for ops that join it with others.
  WeightRef ref() const { return {weight, packed_}; }

  at::Tensor weight;  ///< [out, in]

 private:
  std::shared_ptr<PackedWeight> packed_ = std::make_shared<PackedWeight>();
};
TORCH_MODULE(Linear);

}  // namespace brt
