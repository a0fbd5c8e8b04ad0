// SPDX-License-Identifier: Apache-2.0
// The update rules as rows of tensor operations: the definition that the fast form is compared
// with.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "config/run_config.h"
#include "optim/adafactor.h"

namespace brt {

/// One tensor with its state under AdamW or Adafactor.
class PlainUpdate {
 public:
  PlainUpdate(const OptimizerConfig& config, const at::Tensor& start)
      : config_(config), weight_(start.clone()), momentum_(at::zeros_like(start)) {
    if (config.type == OptimizerType::kAdafactor && Adafactor::is_factored(start)) {
      row_moment_ = at::zeros({start.size(0)}, start.options());
      column_moment_ = at::zeros({start.size(1)}, start.options());
    } else {
      second_moment_ = at::zeros_like(start);
    }
  }

  const at::Tensor& weight() const { return weight_; }
  const at::Tensor& momentum() const { return momentum_; }

  void step(const at::Tensor& gradient, double learning_rate) {
    ++updates_;
    if (config_.type == OptimizerType::kAdamw) {
      adamw(gradient, learning_rate);
    } else {
      adafactor(gradient, learning_rate);
    }
  }

 private:
  OptimizerConfig config_;
  at::Tensor weight_;
  at::Tensor momentum_;
  at::Tensor second_moment_;
  at::Tensor row_moment_;
  at::Tensor column_moment_;
  int updates_ = 0;

  void adamw(const at::Tensor& gradient, double learning_rate) {
    momentum_.mul_(config_.beta1).add_(gradient, 1.0 - config_.beta1);
    second_moment_.mul_(config_.beta2).addcmul_(gradient, gradient, 1.0 - config_.beta2);
    if (weight_.dim() == 2) {
      weight_.mul_(1.0 - learning_rate * config_.weight_decay);
    }
    const double correction1 = 1.0 - std::pow(config_.beta1, updates_);
    const double correction2 = 1.0 - std::pow(config_.beta2, updates_);
    at::Tensor denominator = second_moment_.sqrt();
    denominator.div_(std::sqrt(correction2)).add_(config_.epsilon);
    weight_.addcdiv_(momentum_, denominator, -learning_rate / correction1);
  }

  void adafactor(const at::Tensor& gradient, double learning_rate) {
    const double beta = 1.0 - std::pow(updates_, -0.8);
    const at::Tensor squares = gradient.square().add_(1e-30);
    at::Tensor change;
    if (row_moment_.defined()) {
      row_moment_.mul_(beta).add_(squares.mean(at::IntArrayRef{1}), 1.0 - beta);
      column_moment_.mul_(beta).add_(squares.mean(at::IntArrayRef{0}), 1.0 - beta);
      const at::Tensor row_factor = (row_moment_ / row_moment_.mean()).rsqrt();
      change = gradient * row_factor.unsqueeze(1) * column_moment_.rsqrt();
    } else {
      second_moment_.mul_(beta).add_(squares, 1.0 - beta);
      change = gradient * second_moment_.rsqrt();
    }
    const double scale = learning_rate * std::max(rms(weight_), 0.001) / std::max(1.0, rms(change));
    momentum_.mul_(config_.beta1).add_(change, (1.0 - config_.beta1) * scale);
    weight_.sub_(momentum_);
  }

  static double rms(const at::Tensor& tensor) {
    const double squares = tensor.to(at::kDouble).square().sum().item<double>();
    return std::sqrt(squares / static_cast<double>(std::max<int64_t>(tensor.numel(), 1)));
  }
};

}  // namespace brt
