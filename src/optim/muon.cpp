// SPDX-License-Identifier: Apache-2.0
// Muon (Jordan et al., 2024): momentum whose update is made orthogonal, for weight matrices.
#include "optim/muon.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include <ATen/ops/zeros_like.h>

#include "ops/linear.h"
#include "optim/contiguous_parameter.h"
#include "optim/sum_of_squares.h"

namespace brt {
namespace {

constexpr int kIterations = 5;
constexpr double kLinear = 3.4445;  // X, X^3 and X^5 of the odd polynomial
constexpr double kCubic = -4.7750;
constexpr double kQuintic = 2.0315;
constexpr double kSmallestNorm = 1e-7;
constexpr double kAdamUpdateRms = 0.2;

std::vector<NamedParameter> parameters_of_adamw(const std::vector<NamedParameter>& parameters) {
  std::vector<NamedParameter> others;
  std::ranges::copy_if(parameters, std::back_inserter(others),
                       [](const NamedParameter& p) { return !Muon::is_orthogonalized(p); });
  return others;
}

/// left right^T in float32 or float64, computed in `dtype`.
at::Tensor product(const at::Tensor& left, const at::Tensor& right, at::ScalarType dtype) {
  return linear(left, right, dtype).to(left.scalar_type());
}

}  // namespace

at::Tensor orthogonalized(const at::Tensor& matrix) {
  const bool is_tall = matrix.size(0) > matrix.size(1);
  const at::ScalarType dtype = matrix.scalar_type() == at::kDouble ? at::kDouble : at::kBFloat16;
  const double norm = std::sqrt(sum_of_squares(matrix));
  at::Tensor x = (is_tall ? matrix.t() : matrix).contiguous() * (1.0 / (norm + kSmallestNorm));
  for (int i = 0; i < kIterations; ++i) {
    const at::Tensor a = product(x, x, dtype);
    const at::Tensor b = a * kCubic + product(a, a, dtype) * kQuintic;  // a is symmetric
    x = x * kLinear + product(b, x.t().contiguous(), dtype);
  }
  return is_tall ? x.t() : x;
}

bool Muon::is_orthogonalized(const NamedParameter& parameter) {
  const std::string_view name = parameter.name;
  return parameter.value.dim() == 2 && name.ends_with(".weight") && name != "embedding.weight";
}

Muon::Muon(const OptimizerConfig& config, const std::vector<NamedParameter>& parameters)
    : config_(config), others_(config, parameters_of_adamw(parameters)) {
  for (const NamedParameter& parameter : parameters) {
    if (is_orthogonalized(parameter)) {
      slots_.push_back(
          {.parameter = parameter,
           .momentum = at::zeros_like(parameter.value, at::MemoryFormat::Contiguous).detach()});
    }
  }
}

void Muon::update(double learning_rate, double gradient_scale) {
  others_.step(learning_rate, gradient_scale);
  const double kept = 1.0 - learning_rate * config_.weight_decay;
  for (const Slot& slot : slots_) {
    ContiguousParameter parameter(slot.parameter);
    const at::Tensor gradient = parameter.gradient() * gradient_scale;
    const at::Tensor& momentum = slot.momentum;
    momentum.mul_(config_.momentum).add_(gradient);
    const at::Tensor direction = orthogonalized(gradient.add_(momentum, config_.momentum));
    const at::Tensor& weight = parameter.weight();
    const double longer_side = static_cast<double>(std::max(weight.size(0), weight.size(1)));
    weight.mul_(kept).add_(direction, -learning_rate * kAdamUpdateRms * std::sqrt(longer_side));
    parameter.weight_was_written();
  }
}

std::vector<StateTensor> Muon::state_tensors() const {
  std::vector<StateTensor> tensors;
  for (const Slot& slot : slots_) {
    tensors.push_back({slot.parameter.name + ".orthogonal_momentum", slot.momentum});
  }
  return tensors;
}

std::map<std::string, at::Tensor> Muon::state() const {
  std::map<std::string, at::Tensor> state = optimizer_state_map(state_tensors(), updates_);
  state.merge(others_.state());
  return state;
}

void Muon::load_state(const std::map<std::string, at::Tensor>& state) {
  std::map<std::string, at::Tensor> own;
  std::map<std::string, at::Tensor> others;
  for (const auto& [name, value] : state) {
    const bool is_own = name.ends_with(".orthogonal_momentum");
    (is_own ? own : others).emplace(name, value);
    if (name == "updates") {
      own.emplace(name, value);
    }
  }
  updates_ = load_optimizer_state(own, state_tensors());
  others_.load_state(others);
}

}  // namespace brt
