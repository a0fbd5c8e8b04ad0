// SPDX-License-Identifier: Apache-2.0
// The attention half of a layer, for the rows of a step.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/step.h"
#include "engine/stream_attention.h"

namespace brt {

/// x = x + [ys ; yc] Wo with k, v, q, q2 = rmsnorm(x) [Wk, Wv, Wq, Wq2] (model.md, "The ordinary
/// layer", "The recurrent layer"): this thread's part. The rows' keys and values go into the
/// streams' caches.
/// @param scratch  the thread's, of attention.scratch_bytes()
template <class T>
void add_attention(Step& step,
                   const StreamAttention<T>& attention,
                   int64_t layer,
                   int64_t thread,
                   std::byte* scratch);

}  // namespace brt
