// SPDX-License-Identifier: Apache-2.0
// What a stream's caches get of each token (model.md, "Sliding window with causal mask").
#pragma once

#include <cstdint>

#include "engine/rotary_table.h"
#include "engine/stream_layout.h"

namespace brt {

/// Memory for one vector on its way into a cache.
template <class T>
struct VectorScratch {
  float* vector_K = nullptr;
  float* rotated_K = nullptr;
  T* rounded_K = nullptr;
};

/// Writes one token's key and value, as the projection gives them, to row `position` of the current
/// block: the key at unit length and, of rotary positions, also rotated. What is rotated is the
/// rounded key, so that it can be made again from the cache.
/// @param rotary  null without rotary positions
template <class T>
void append_token(const StreamHead& to,
                  int64_t position,
                  const float* key_K,
                  const float* value_K,
                  const RotaryTable* rotary,
                  const VectorScratch<T>& scratch);

/// Makes the rotated keys of all that is in a stream's caches.
template <class T>
void rotate_cached_keys(StreamState& state, const RotaryTable& rotary);

}  // namespace brt
