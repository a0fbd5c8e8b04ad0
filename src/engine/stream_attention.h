// SPDX-License-Identifier: Apache-2.0
// Attention of a stream's next tokens over its caches and states.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/packed_model.h"
#include "engine/panel_attention.h"
#include "engine/stream_layout.h"

namespace brt {

/// One stream's rows of a step in one layer.
struct TokenRows {
  StreamState* state = nullptr;
  int64_t first = 0;              ///< position in the block of the first row
  int64_t count = 0;              ///< rows; they do not pass the block's end
  const float* qkv_RP = nullptr;  ///< k, v, q and q2 as LayerWeights::qkv gives them
  int64_t qkv_stride = 0;
  float* joined_RE = nullptr;  ///< set: [ys ; yc], all heads of each
  int64_t joined_stride = 0;
  const void* next = nullptr;  ///< what is read after these rows' caches, if known
};

/// T is float or Bfloat16: the numbers of caches and operands.
template <class T>
class StreamAttention {
 public:
  StreamAttention(const PackedModel& model, const StreamLayout& layout);

  /// Of memory, aligned to 64 bytes, that run() needs.
  int64_t scratch_bytes() const;

  /// Appends the rows' keys and values to the head's caches and computes its part of joined_RE.
  ///
  ///   logit[n,m] = (q_n . k_m + bias[m - n]) * |a|,  ys_n = sum_m softmax_m(logit[n,:]) v_m
  ///   yc_n = attention(q2_n, Ks, Vs, |a2|)
  ///
  /// over the keys m in [n, n + W) of the two blocks in the cache, counted from the start of the
  /// one before that of the rows. model.md, "Sliding window with causal mask" and "The recurrent
  /// layer". Heads are independent of each other.
  void run(int64_t layer, int64_t head, const TokenRows& rows, std::byte* scratch) const;

  /// Where run() begins to read the caches.
  const void* first_keys(int64_t layer, int64_t head, const TokenRows& rows) const;

  /// Makes the rotated keys of all that is in the caches (rotary; nothing to do otherwise).
  void rotate_keys(StreamState& state) const;

 private:
  struct Scratch {
    TileScratch<T> tile;
    T* query_RK = nullptr;          ///< [kTileRows, K]
    T* earlier_query_RK = nullptr;  ///< rotary: as the previous block's keys meet it
    float* vector_K = nullptr;
    float* rotated_K = nullptr;
  };
  /// The layer, head and rows of one call.
  struct Call {
    const LayerWeights& weights;
    const LayerOffsets& offsets;
    int64_t head;
    const TokenRows& rows;
    Scratch scratch;
  };

  const PackedModel& model_;
  const StreamLayout& layout_;
  const ModelConfig& config_;
  std::vector<float> cosine_;  ///< rotary: [2 W, K/2]
  std::vector<float> sine_;

  Scratch scratch_at(std::byte* memory) const;
  int64_t tile_stride() const;
  HeadPanels<T> block(const Call& call, int64_t offset, int64_t index) const;
  void append(const Call& call) const;
  void make_queries(const Call& call, int64_t first, int64_t count, int64_t source) const;
  void self_attention(const Call& call, int64_t first, int64_t count) const;
  void softmax(const Call& call, int64_t first, int64_t count, int64_t begin, int64_t end) const;
  void cross_attention(const Call& call,
                       const CellOffsets& cell,
                       int64_t first,
                       int64_t count) const;
  void rotate(const float* x_K, int64_t position, float* out_K) const;
};

}  // namespace brt
