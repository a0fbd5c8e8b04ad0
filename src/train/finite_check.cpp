// SPDX-License-Identifier: Apache-2.0
// Looks at tensors only; what is to be done about them is the trainer's affair.
#include "train/finite_check.h"

#include <cmath>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/ones.h>

namespace brt {
namespace {

bool is_finite(const at::Tensor& tensor) { return at::isfinite(tensor).all().item<bool>(); }

}  // namespace

std::string first_not_finite(const std::map<std::string, at::Tensor>& tensors) {
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : tensors) {
    if (tensor.is_floating_point() && !is_finite(tensor)) {
      return name;
    }
  }
  return "";
}

bool has_finite_states(const Carry& carry) {
  const at::NoGradGuard no_grad;
  for (const LayerCarry& layer : carry.layers) {
    // What is not finite makes the sum so; a sum that overflows is looked at again.
    if (layer.state_BSD.defined() && !std::isfinite(layer.state_BSD.sum().item<double>()) &&
        !is_finite(layer.state_BSD)) {
      return false;
    }
  }
  return true;
}

std::vector<int64_t> broken_lanes(const Carry& carry) {
  const at::NoGradGuard no_grad;
  at::Tensor finite_B =
      at::ones({carry.position_B.size(0)}, carry.position_B.options().dtype(at::kBool));
  for (const auto& [name, tensor] : carry.tensors()) {
    if (tensor.is_floating_point()) {
      finite_B = finite_B.logical_and(at::isfinite(tensor).flatten(1).all(1));
    }
  }
  std::vector<int64_t> lanes;
  for (int64_t lane = 0; lane < finite_B.size(0); ++lane) {
    if (!finite_B.select(0, lane).item<bool>()) {
      lanes.push_back(lane);
    }
  }
  return lanes;
}

void clear_lanes(Carry& carry, const std::vector<int64_t>& lanes) {
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : carry.tensors()) {
    for (const int64_t lane : lanes) {
      tensor.select(0, lane).zero_();
    }
  }
}

}  // namespace brt
