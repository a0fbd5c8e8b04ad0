// SPDX-License-Identifier: Apache-2.0
// AdamW (Loshchilov and Hutter, 2019): Adam with decoupled weight decay.
#include "optim/adamw.h"

#include <cmath>
#include <utility>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros_like.h>

namespace brt {

AdamW::AdamW(const OptimizerConfig& config, std::vector<NamedParameter> parameters)
    : config_(config) {
  for (NamedParameter& parameter : parameters) {
    Slot slot;
    slot.momentum = at::zeros_like(parameter.value, at::MemoryFormat::Contiguous).detach();
    slot.second_moment = at::zeros_like(slot.momentum);
    slot.parameter = std::move(parameter);
    slots_.push_back(std::move(slot));
  }
}

void AdamW::step(double learning_rate) {
  const at::NoGradGuard no_grad;
  ++updates_;
  for (Slot& slot : slots_) {
    update(slot, learning_rate);
  }
}

void AdamW::update(Slot& slot, double learning_rate) const {
  at::Tensor& value = slot.parameter.value;
  const at::Tensor gradient = value.grad().defined() ? value.grad() : at::zeros_like(value);
  slot.momentum.mul_(config_.beta1).add_(gradient, 1.0 - config_.beta1);
  slot.second_moment.mul_(config_.beta2).addcmul_(gradient, gradient, 1.0 - config_.beta2);
  if (value.dim() == 2 && config_.weight_decay != 0.0) {
    value.mul_(1.0 - learning_rate * config_.weight_decay);
  }
  const double t = static_cast<double>(updates_);
  const double correction1 = 1.0 - std::pow(config_.beta1, t);
  const double correction2 = 1.0 - std::pow(config_.beta2, t);
  at::Tensor denominator = slot.second_moment.sqrt();
  denominator.div_(std::sqrt(correction2)).add_(config_.epsilon);
  value.addcdiv_(slot.momentum, denominator, -learning_rate / correction1);
}

std::vector<StateTensor> AdamW::state_tensors() const {
  std::vector<StateTensor> tensors;
  for (const Slot& slot : slots_) {
    tensors.push_back({slot.parameter.name + ".momentum", slot.momentum});
    tensors.push_back({slot.parameter.name + ".second_moment", slot.second_moment});
  }
  return tensors;
}

std::map<std::string, at::Tensor> AdamW::state() const {
  return optimizer_state_map(state_tensors(), updates_);
}

void AdamW::load_state(const std::map<std::string, at::Tensor>& state) {
  updates_ = load_optimizer_state(state, state_tensors());
}

}  // namespace brt
