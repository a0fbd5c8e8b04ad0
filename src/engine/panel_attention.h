// SPDX-License-Identifier: Apache-2.0
// The parts of attention over keys and values in panels. A row's numbers do not depend on the other
// rows of a call.
#pragma once

#include <cstdint>

#include "engine/thread_team.h"
#include "kernels/matmul.h"

namespace brt {

/// Attention works on at most this many queries at a time.
inline constexpr int64_t kTileRows = 64;

/// Keys and values of one head.
template <class T>
struct HeadPanels {
  const T* keys = nullptr;    ///< panels of keys^T [head_size, num_keys]
  const T* values = nullptr;  ///< panels of values [num_keys, head_size]
  int64_t head_size = 0;
  int64_t num_keys = 0;
};

/// Rows of queries or results in memory.
template <class T>
struct Rows {
  T* data = nullptr;
  int64_t stride = 0;
  int64_t count = 0;
};

/// out[r, j] = query_r . key_(64 first_panel + j) for whole panels of keys; outside of the band the
/// output may be left as it was. `next` is what is read afterwards, if known.
template <class T>
void key_products(const HeadPanels<T>& head,
                  Rows<const T> query_RK,
                  Range panels,
                  Rows<float> out,
                  kernels::Band wanted = {},
                  const T* next = nullptr);

/// out[r] = or += sum_j weight[r, j] value_(first + j), j in [0, count). `first` must be a multiple
/// of kernels::kMatmulDepthUnit; weights outside of the band must be zero.
template <class T>
void weighted_values(const HeadPanels<T>& head,
                     Rows<const T> weight,
                     int64_t first,
                     int64_t count,
                     Rows<float> out_RK,
                     kernels::MatmulOutput output,
                     kernels::Band band = {},
                     const T* next = nullptr);

/// Memory for a tile of attend_all.
template <class T>
struct TileScratch {
  float* logits = nullptr;  ///< [kTileRows, stride]
  T* weights = nullptr;     ///< [kTileRows, stride]
  int64_t stride = 0;       ///< at least the keys, in whole panels
};

/// out = softmax(scale query keys^T) values over all keys, with the phantom logit; at most
/// kTileRows rows.
template <class T>
void attend_all(const HeadPanels<T>& head,
                float scale,
                Rows<const T> query_RK,
                Rows<float> out_RK,
                const TileScratch<T>& scratch);

}  // namespace brt
