// SPDX-License-Identifier: Apache-2.0
// The feed-forward half of a layer, for the rows of a step.
#pragma once

#include <cstdint>

#include "engine/step.h"

namespace brt {

/// x = x + relu(rmsnorm(x) W1) W2 (model.md, "The ordinary layer"): this thread's part.
void add_feed_forward(Step& step, int64_t layer, int64_t thread);

}  // namespace brt
