// SPDX-License-Identifier: Apache-2.0
// A layer whose inside backward computes again (activation checkpointing).
#pragma once

#include "model/forward_options.h"
#include "model/layer.h"

namespace brt {

/// layer.forward(input, options). With options.recompute, and where gradients are recorded, its
/// input is saved for backward instead of what it computes inside (model/recompute.h).
LayerOutput forward_or_recompute(LayerImpl& layer,
                                 const LayerInput& input,
                                 const ForwardOptions& options);

}  // namespace brt
