// SPDX-License-Identifier: Apache-2.0
// The products of attention over keys and values in panels. A row's numbers do not depend on the
// other rows of a call.
#pragma once

#include <cstdint>

#include "kernels/matmul.h"
#include "kernels/panels.h"

namespace brt::kernels {

/// Queries are computed in tiles of this many rows: as wide as a panel, since the band of keys that
/// a tile sees is then at most one panel wider than the window.
constexpr int64_t kAttentionRows = 64;

/// A matrix [depth, columns] in panels (kernels/panels.h).
template <class T>
struct PackedMatrix {
  const T* panels = nullptr;
  int64_t depth = 0;
  int64_t columns = 0;
};

/// Rows of a matrix in memory.
template <class T>
struct Rows {
  T* data = nullptr;
  int64_t stride = 0;  ///< elements from row to row
  int64_t count = 0;
};

/// out[r, j] = row_r . key_(64 first_panel + j) for every key j of `num_panels` whole panels.
template <class T>
struct KeyProducts {
  PackedMatrix<T> keys;  ///< keys^T: depth head_size, columns num_keys
  Rows<const T> rows;    ///< [rows, head_size]: queries
  int64_t first_panel = 0;
  int64_t num_panels = 0;
  float* out = nullptr;     ///< [rows, 64 num_panels]
  int64_t out_stride = 0;   ///< elements from row to row
  Band wanted = {};         ///< outside of it, out may be left as it was
  const T* next = nullptr;  ///< what is read afterwards, if known
};
void key_products(const KeyProducts<float>& args);
void key_products(const KeyProducts<Bfloat16>& args);

/// out[r] = or += sum_j weight[r, j] value_(first_key + j) for j in [0, num_keys).
template <class T>
struct ValueSums {
  PackedMatrix<T> values;  ///< depth: all keys, columns head_size
  Rows<const T> weights;   ///< [rows, num_keys]
  int64_t first_key = 0;   ///< a multiple of kMatmulDepthUnit
  int64_t num_keys = 0;
  void* out = nullptr;     ///< [rows, head_size]: T of kStore, else float
  int64_t out_stride = 0;  ///< elements from row to row
  MatmulOutput output = MatmulOutput::kStoreFloat;
  Band band = {};           ///< outside of it, weights are zero
  const T* next = nullptr;  ///< what is read afterwards, if known
};
void value_sums(const ValueSums<float>& args);
void value_sums(const ValueSums<Bfloat16>& args);

/// Memory for the logits and weights of a tile.
template <class T>
struct AttentionScratch {
  float* logits = nullptr;  ///< [kAttentionRows, stride]
  T* weights = nullptr;     ///< [kAttentionRows, stride]
  int64_t stride = 0;       ///< at least the keys of a call, in whole panels
};

/// out_r = sum_j softmax_j(scale q_r . k_j) v_j over the keys j in [first_key, first_key +
/// num_keys), all of which are visible, with the phantom logit (model.md, "Pieces").
template <class T>
struct FullAttention {
  PackedMatrix<T> keys;    ///< as those of KeyProducts
  PackedMatrix<T> values;  ///< as those of ValueSums
  int64_t first_key = 0;   ///< a multiple of kPanelColumns
  int64_t num_keys = 0;
  float scale = 1.0F;
  Rows<const T> queries;     ///< [rows, head_size], at most kAttentionRows
  float* out = nullptr;      ///< [rows, head_size]
  int64_t out_stride = 0;    ///< elements from row to row
  float* log_sum = nullptr;  ///< [rows], or null: the log of each softmax's denominator
  AttentionScratch<T> scratch;
};
void full_attention(const FullAttention<float>& args);
void full_attention(const FullAttention<Bfloat16>& args);

}  // namespace brt::kernels
