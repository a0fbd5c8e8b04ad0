// SPDX-License-Identifier: Apache-2.0
// Reading an optimizer's saved state: checks of names and shapes that the update rules share.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace brt {

/// A tensor of an optimizer's state by its saved name; shares storage with the optimizer.
struct StateTensor {
  std::string name;
  at::Tensor value;
};

/// The tensors by name, and "updates" (int64 scalar).
std::map<std::string, at::Tensor> optimizer_state_map(const std::vector<StateTensor>& tensors,
                                                      int64_t updates);

/// Copies saved values into `tensors` and returns the saved "updates". Nothing is copied unless all
/// fit.
/// @throws CheckpointError listing what is missing, misshapen or unknown.
int64_t load_optimizer_state(const std::map<std::string, at::Tensor>& saved,
                             const std::vector<StateTensor>& tensors);

}  // namespace brt
