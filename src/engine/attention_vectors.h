// SPDX-License-Identifier: Apache-2.0
// Keys and queries of one head as attention takes them (model.md, "Unit queries and keys").
#pragma once

#include "config/model_config.h"

namespace brt {

/// A key [K] of unit length; as it is without unit_attention. `out_K` must not overlap `x_K`.
void make_key(const ModelConfig& config, const float* x_K, float* out_K);

/// A query [K] of unit length; divided by sqrt(K) without unit_attention. `out_K` must not overlap.
void make_query(const ModelConfig& config, const float* x_K, float* out_K);

}  // namespace brt
