// SPDX-License-Identifier: Apache-2.0
// Attention of one lane and head, for a tile of queries, forward and backward.
#pragma once

#include <cstdint>

#include "kernels/bfloat16.h"
#include "kernels/panel_attention.h"

namespace brt::kernels {

/// Keys and values of one lane and head.
///
///   logit[n,m] = (q_n . k_m + bias[m - n]) * scale,   out_n = sum_m softmax_m(logit[n,:]) v_m
///
/// with a phantom logit of -1000 that has no value. Row n sees keys m in [n, n + window), or all
/// keys if window is 0, and none before first_visible. What no row sees is not computed (but for
/// the edges of panels).
template <class T>
struct AttentionHead {
  const T* key_columns = nullptr;    ///< keys^T as panels: depth head_size, columns num_keys
  const T* value_rows = nullptr;     ///< values as panels: depth num_keys, columns head_size
  const T* value_columns = nullptr;  ///< values^T, as key_columns; backward only
  const T* key_rows = nullptr;       ///< keys, as value_rows; backward only
  const float* bias = nullptr;       ///< [window] by m - n, or null
  float scale = 1.0F;
  int64_t head_size = 0;
  int64_t num_keys = 0;
  int64_t window = 0;
  int64_t first_visible = 0;
};

/// Rows [first, first + rows) of one lane and head; pointers are to the first of them.
template <class T>
struct AttentionTile {
  int64_t first = 0;
  int64_t rows = 0;          ///< at most kAttentionRows
  int64_t stride = 0;        ///< elements from row to row of query, out and their gradients
  const T* query = nullptr;  ///< [rows, head_size]
  T* out = nullptr;          ///< [rows, head_size]
  float* log_sum = nullptr;  ///< [rows]: log of the softmax's denominator
};

/// The tile's part of the gradients.
template <class T>
struct AttentionTileGradient {
  const T* out_gradient = nullptr;   ///< [rows, head_size]
  T* query_gradient = nullptr;       ///< [rows, head_size], set
  float* key_gradient = nullptr;     ///< [keys from first_key on, head_size], added to
  float* value_gradient = nullptr;   ///< the same of the values
  int64_t first_key = 0;             ///< at most the first of attention_keys()
  float* bias_gradient = nullptr;    ///< [window], added to; null without bias
  double* scale_gradient = nullptr;  ///< added to
};

/// Keys [begin, end).
struct KeySpan {
  int64_t begin = 0;
  int64_t end = 0;
};

/// The keys that a tile computes with: those that its rows see, and others of their panels.
template <class T>
KeySpan attention_keys(const AttentionHead<T>& head, const AttentionTile<T>& tile);

/// Bytes of scratch, aligned to 64, that a tile of this head needs.
template <class T>
int64_t attention_scratch_bytes(const AttentionHead<T>& head);

/// Fills out and log_sum of the tile.
void attention_forward(const AttentionHead<float>& head,
                       const AttentionTile<float>& tile,
                       void* scratch);
void attention_forward(const AttentionHead<Bfloat16>& head,
                       const AttentionTile<Bfloat16>& tile,
                       void* scratch);

/// The gradients from log_sum; the probabilities are computed again, and out is not read.
void attention_backward(const AttentionHead<float>& head,
                        const AttentionTile<float>& tile,
                        const AttentionTileGradient<float>& gradient,
                        void* scratch);
void attention_backward(const AttentionHead<Bfloat16>& head,
                        const AttentionTile<Bfloat16>& tile,
                        const AttentionTileGradient<Bfloat16>& gradient,
                        void* scratch);

}  // namespace brt::kernels
