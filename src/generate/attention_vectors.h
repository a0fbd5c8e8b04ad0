// SPDX-License-Identifier: Apache-2.0
// Keys and queries of one head as attention takes them (model.md, "Unit queries and keys").
#pragma once

#include <cstdint>

#include "config/model_config.h"
#include "kernels/bfloat16.h"

namespace brt {

/// A key [K] of unit length; as it is without unit_attention. `out_K` must not overlap `x_K`.
void make_key(const ModelConfig& config, const float* x_K, float* out_K);

/// A query [K] of unit length; divided by sqrt(K) without unit_attention. `out_K` must not overlap.
void make_query(const ModelConfig& config, const float* x_K, float* out_K);

/// Rounds `count` numbers to T.
template <class T>
void store(const float* x, int64_t count, T* out) {
  for (int64_t i = 0; i < count; ++i) {
    kernels::from_float(x[i], out[i]);
  }
}

}  // namespace brt
