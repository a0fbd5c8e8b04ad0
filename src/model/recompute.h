// SPDX-License-Identifier: Apache-2.0
// Recomputes a function in backward instead of saving what it computed inside.
#pragma once

#include <functional>
#include <vector>

#include <ATen/core/Tensor.h>

namespace brt {

using TensorFunction = std::function<std::vector<at::Tensor>(const std::vector<at::Tensor>&)>;

/// Calls function(inputs) and saves only the inputs for backward, which calls it again.
///
/// The function must give the same numbers both times (dropout by seeds). Gradients equal those of
/// the plain call: bit for bit where a parameter is used by one call, to rounding where several
/// calls share it, since their sums are then taken in another order. Costs one more forward pass.
/// @param inputs      tensors the function may read; gradient flows to those that need one
/// @param parameters  further tensors with gradients that the function reads by itself
std::vector<at::Tensor> recompute_in_backward(const TensorFunction& function,
                                              const std::vector<at::Tensor>& inputs,
                                              const std::vector<at::Tensor>& parameters);

}  // namespace brt
