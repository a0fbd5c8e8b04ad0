// SPDX-License-Identifier: Apache-2.0
// RMS normalisation as a module.
#pragma once

#include <cstdint>
#include <optional>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

namespace brt {

/// model.md, "RMSNorm".
struct RmsNormImpl : public torch::nn::Module {
  explicit RmsNormImpl(int64_t width);
  /// @return the shape of x, in `out_dtype`; none: float32 (float64).
  at::Tensor forward(const at::Tensor& x, std::optional<at::ScalarType> out_dtype = std::nullopt);

  at::Tensor weight;  ///< [D], the gain
};
TORCH_MODULE(RmsNorm);

}  // namespace brt
