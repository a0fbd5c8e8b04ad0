// SPDX-License-Identifier: Apache-2.0
// The gradient's global norm, and clipping to it.
#pragma once

#include <vector>

#include "optim/optimizer.h"

namespace brt {

/// Euclidean norm over all gradients, summed in float64 in the parameters' order. NaN or infinite
/// if any gradient is.
double gradient_norm(const std::vector<NamedParameter>& parameters);

/// What every gradient is to be multiplied by (Optimizer::step): max_norm / norm if norm >
/// max_norm, else 1; always 1 for max_norm = 0, no clipping.
double clip_factor(double norm, double max_norm);

}  // namespace brt
