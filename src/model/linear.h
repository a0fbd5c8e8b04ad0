// SPDX-License-Identifier: Apache-2.0
// A weight matrix as a module.
#pragma once

#include <cstdint>
#include <memory>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include "model/forward_options.h"
#include "ops/packed_weight.h"

namespace brt {

/// y = x weight^T, without bias (model.md, "Linear").
struct LinearImpl : public torch::nn::Module {
  LinearImpl(int64_t in_features, int64_t out_features);
  /// @return [..., out] of options.dtype.
  at::Tensor forward(const at::Tensor& x, const ForwardOptions& options);
  /// The weight for ops that join it with others.
  WeightRef ref(const ForwardOptions& options) const {
    return {weight, packed_, options.weight_uses};
  }

  at::Tensor weight;  ///< [out, in]

 private:
  std::shared_ptr<PackedWeight> packed_ = std::make_shared<PackedWeight>();
};
TORCH_MODULE(Linear);

}  // namespace brt
