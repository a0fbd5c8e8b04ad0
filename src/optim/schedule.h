// SPDX-License-Identifier: Apache-2.0
// Learning-rate schedules (model.md, "Training as the reference does it").
#pragma once

#include <cstdint>

#include "config/run_config.h"

namespace brt {

/// Rate of the update with 0-based number `update`, of `total` updates.
///
///   warm-up w: rate * min(t, w)/w * f(max(t, w))
///   rsqrt            f(t) = 1/sqrt(t)                (the paper)
///   reference_cosine f(t) = 0.001 + 0.0045 (1 + cos(pi t/T)) up to T, then 0.002 * 2^(-t/T)
///   cosine           f falls from 1 at t = w to final_fraction at the last update
///   constant         f = 1
double learning_rate(const OptimizerConfig& config, int64_t update, int64_t total);

}  // namespace brt
