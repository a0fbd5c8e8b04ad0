// SPDX-License-Identifier: Apache-2.0
// Learning-rate schedules (model.md, "Training as the reference does it").
#include "optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.h"

namespace brt {
namespace {

/// meliad's cosine: down to 0.001 over `total` updates; the tail, for longer runs, starts there
/// too.
double reference_cosine(double t, double total) {
  if (t <= total) {
    return 0.001 + 0.0045 * (1.0 + std::cos(std::numbers::pi * t / total));
  }
  return 0.002 * std::exp2(-t / total);
}

/// From 1 at the end of the warm-up to final_fraction at the last update.
double cosine(double t, double warmup, double last, double final_fraction) {
  if (last <= warmup) {
    return 1.0;
  }
  const double progress = std::clamp((t - warmup) / (last - warmup), 0.0, 1.0);
  const double height = 0.5 * (1.0 + std::cos(std::numbers::pi * progress));
  return final_fraction + (1.0 - final_fraction) * height;
}

double shape(const OptimizerConfig& config, double t, int64_t total) {
  switch (config.schedule) {
    case ScheduleType::kRsqrt:
      return 1.0 / std::sqrt(std::max(t, 1.0));
    case ScheduleType::kReferenceCosine:
      return reference_cosine(t, static_cast<double>(std::max<int64_t>(total, 1)));
    case ScheduleType::kCosine:
      return cosine(t, static_cast<double>(config.warmup), static_cast<double>(total - 1),
                    config.final_fraction);
    case ScheduleType::kConstant:
      return 1.0;
  }
  throw ConfigError("optimizer.schedule: unknown schedule");
}

}  // namespace

double learning_rate(const OptimizerConfig& config, int64_t update, int64_t total) {
  const double warmup = static_cast<double>(config.warmup);
  const double t = static_cast<double>(update);
  const double ramp = config.warmup > 0 ? std::min(t, warmup) / warmup : 1.0;
  return config.rate * ramp * shape(config, std::max(t, warmup), total);
}

}  // namespace brt
