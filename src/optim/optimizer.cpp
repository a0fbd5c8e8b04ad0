// SPDX-License-Identifier: Apache-2.0
// What the update rules share, and the choice among them.
#include "optim/optimizer.h"

#include <utility>

#include <ATen/core/grad_mode.h>

#include "base/error.h"
#include "optim/adafactor.h"
#include "optim/adamw.h"
#include "optim/muon.h"

namespace brt {

void Optimizer::step(double learning_rate, double gradient_scale) {
  const at::NoGradGuard no_grad;
  ++updates_;
  update(learning_rate, gradient_scale);
}

std::unique_ptr<Optimizer> make_optimizer(const OptimizerConfig& config,
                                          std::vector<NamedParameter> parameters) {
  switch (config.type) {
    case OptimizerType::kAdafactor:
      return std::make_unique<Adafactor>(config, std::move(parameters));
    case OptimizerType::kAdamw:
      return std::make_unique<AdamW>(config, std::move(parameters));
    case OptimizerType::kMuon:
      return std::make_unique<Muon>(config, parameters);
  }
  throw ConfigError("optimizer.type: unknown optimizer");
}

}  // namespace brt
