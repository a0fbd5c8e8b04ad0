// SPDX-License-Identifier: Apache-2.0
// AdamW (Loshchilov and Hutter, 2019): Adam with decoupled weight decay.
#include "optim/adamw.h"

#include <cmath>
#include <utility>

#include <ATen/ops/zeros_like.h>

#include "kernels/adamw_update.h"
#include "optim/chunks.h"
#include "optim/contiguous_parameter.h"

namespace brt {
namespace {

template <class T>
void update_tensor(const ContiguousParameter& parameter,
                   const at::Tensor& momentum,
                   const at::Tensor& second_moment,
                   const kernels::AdamWFactors& factors) {
  const kernels::AdamWArrays<T> arrays = {
      .gradient = parameter.gradient().const_data_ptr<T>(),
      .momentum = momentum.mutable_data_ptr<T>(),
      .second_moment = second_moment.mutable_data_ptr<T>(),
      .weight = parameter.weight().mutable_data_ptr<T>(),
  };
  for_each_chunk(momentum.numel(), kChunkElements, [&](int64_t begin, int64_t end) {
    kernels::adamw_update(arrays, factors, begin, end);
  });
}

}  // namespace

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

void AdamW::update(double learning_rate, double gradient_scale) {
  const double t = static_cast<double>(updates_);
  kernels::AdamWFactors factors = {
      .gradient_scale = gradient_scale,
      .beta1 = config_.beta1,
      .beta2 = config_.beta2,
      .decay = 1.0,
      .denominator_scale = 1.0 / std::sqrt(1.0 - std::pow(config_.beta2, t)),
      .epsilon = config_.epsilon,
      .rate = learning_rate / (1.0 - std::pow(config_.beta1, t)),
  };
  for (const Slot& slot : slots_) {
    const bool is_matrix = slot.parameter.value.dim() == 2;
    factors.decay = is_matrix ? 1.0 - learning_rate * config_.weight_decay : 1.0;
    ContiguousParameter parameter(slot.parameter);
    if (parameter.is_float64()) {
      update_tensor<double>(parameter, slot.momentum, slot.second_moment, factors);
    } else {
      update_tensor<float>(parameter, slot.momentum, slot.second_moment, factors);
    }
    parameter.weight_was_written();
  }
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
