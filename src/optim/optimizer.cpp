// SPDX-License-Identifier: Apache-2.0
// The choice of the update rule.
#include "optim/optimizer.h"

#include <utility>

#include "base/error.h"
#include "optim/adafactor.h"
#include "optim/adamw.h"

namespace brt {

std::unique_ptr<Optimizer> make_optimizer(const OptimizerConfig& config,
                                          std::vector<NamedParameter> parameters) {
  switch (config.type) {
    case OptimizerType::kAdafactor:
      return std::make_unique<Adafactor>(config, std::move(parameters));
    case OptimizerType::kAdamw:
      return std::make_unique<AdamW>(config, std::move(parameters));
  }
  throw ConfigError("optimizer.type: unknown optimizer");
}

}  // namespace brt
