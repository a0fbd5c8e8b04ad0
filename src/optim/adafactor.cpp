// SPDX-License-Identifier: Apache-2.0
// Adafactor as the reference trains with it (model.md, "Training as the reference does it").
#include "optim/adafactor.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "optim/sum_of_squares.h"

namespace brt {
namespace {

constexpr int64_t kMinFactoredSide = 128;  // smaller matrices gain little memory from factoring
constexpr double kSquareFloor = 1e-30;     // keeps 1/sqrt finite where a gradient is zero
constexpr double kMinRms = 0.001;          // lets a tensor of zeros leave zero
constexpr double kDecayPower = -0.8;

double rms(const at::Tensor& tensor) {
  const double size = static_cast<double>(std::max<int64_t>(tensor.numel(), 1));
  return std::sqrt(sum_of_squares(tensor) / size);
}

/// moment = beta moment + (1-beta) value
void decay_towards(at::Tensor& moment, const at::Tensor& value, double beta) {
  moment.mul_(beta).add_(value, 1.0 - beta);
}

}  // namespace

Adafactor::Adafactor(const OptimizerConfig& config, std::vector<NamedParameter> parameters)
    : beta1_(config.beta1) {
  for (NamedParameter& parameter : parameters) {
    const at::Tensor& value = parameter.value;
    Slot slot;
    slot.momentum = at::zeros_like(value, at::MemoryFormat::Contiguous).detach();
    if (is_factored(value)) {
      slot.row_moment = at::zeros({value.size(0)}, value.options());
      slot.column_moment = at::zeros({value.size(1)}, value.options());
    } else {
      slot.second_moment = at::zeros_like(slot.momentum);
    }
    slot.parameter = std::move(parameter);
    slots_.push_back(std::move(slot));
  }
}

bool Adafactor::is_factored(const at::Tensor& parameter) {
  return parameter.dim() == 2 && parameter.size(0) >= kMinFactoredSide &&
         parameter.size(1) >= kMinFactoredSide;
}

void Adafactor::step(double learning_rate) {
  const at::NoGradGuard no_grad;
  ++updates_;
  const double beta = 1.0 - std::pow(static_cast<double>(updates_), kDecayPower);
  for (Slot& slot : slots_) {
    update(slot, learning_rate, beta);
  }
}

void Adafactor::update(Slot& slot, double learning_rate, double beta) const {
  at::Tensor& value = slot.parameter.value;
  const at::Tensor gradient = value.grad().defined() ? value.grad() : at::zeros_like(value);
  at::Tensor change = gradient * gradient;  // s, then u in the same memory
  change.add_(kSquareFloor);
  if (is_factored(value)) {
    decay_towards(slot.row_moment, change.mean(at::IntArrayRef{1}), beta);
    decay_towards(slot.column_moment, change.mean(at::IntArrayRef{0}), beta);
    const at::Tensor row_factor = (slot.row_moment / slot.row_moment.mean()).rsqrt_();
    at::mul_out(change, gradient, row_factor.unsqueeze(1));
    change.mul_(slot.column_moment.rsqrt());
  } else {
    decay_towards(slot.second_moment, change, beta);
    at::rsqrt_out(change, slot.second_moment);
    change.mul_(gradient);
  }
  const double clipping = 1.0 / std::max(1.0, rms(change));
  const double scale = clipping * learning_rate * std::max(rms(value), kMinRms);
  decay_towards(slot.momentum, change.mul_(scale), beta1_);
  value.sub_(slot.momentum);
}

std::vector<StateTensor> Adafactor::state_tensors() const {
  std::vector<StateTensor> tensors;
  for (const Slot& slot : slots_) {
    const std::string& name = slot.parameter.name;
    tensors.push_back({name + ".momentum", slot.momentum});
    if (slot.second_moment.defined()) {
      tensors.push_back({name + ".second_moment", slot.second_moment});
    } else {
      tensors.push_back({name + ".row_moment", slot.row_moment});
      tensors.push_back({name + ".column_moment", slot.column_moment});
    }
  }
  return tensors;
}

std::map<std::string, at::Tensor> Adafactor::state() const {
  return optimizer_state_map(state_tensors(), updates_);
}

void Adafactor::load_state(const std::map<std::string, at::Tensor>& state) {
  updates_ = load_optimizer_state(state, state_tensors());
}

}  // namespace brt
