// SPDX-License-Identifier: Apache-2.0
// Attention of a stream's next tokens over its caches and states.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "engine/packed_model.h"
#include "engine/rotary_table.h"
#include "engine/stream_layout.h"
#include "engine/token_cache.h"
#include "kernels/panel_attention.h"

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
  explicit StreamAttention(const PackedModel& model);

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
    kernels::AttentionScratch<T> tile;
    T* query_RK = nullptr;           ///< [kAttentionRows, K]
    T* previous_query_RK = nullptr;  ///< rotary: as the previous block's keys meet it
    VectorScratch<T> vector;
  };
  /// Some rows of a block, and what they see of it and of the previous one: row r the previous
  /// block from first_position + r on, the current one before that.
  struct WindowTile {
    WindowTile(int64_t first, int64_t position, int64_t count, int64_t window);

    int64_t first_row;  ///< in the call
    int64_t count;
    int64_t first_position;
    int64_t last_position;
    int64_t first_key;        ///< of the previous block, in whole panels
    int64_t first_value_row;  ///< of the previous block, in whole units of a product's depth
    int64_t num_values;       ///< of the current block, in whole units
    kernels::Band current;    ///< what the rows see of the current block
  };
  /// The layer, head and rows of one call.
  struct Call {
    const LayerWeights& weights;
    StreamHead head;
    const TokenRows& rows;
    Scratch scratch;
  };

  const PackedModel& model_;
  const ModelConfig& config_;
  std::optional<RotaryTable> rotary_;  ///< positions [0, 2 W)

  Scratch scratch_at(std::byte* memory) const;
  int64_t tile_stride() const;
  void append(const Call& call) const;
  void make_queries(const Call& call, int64_t first, int64_t count, int64_t source) const;
  void self_attention(const Call& call, int64_t first, int64_t count) const;
  void token_logits(const Call& call, const WindowTile& tile) const;
  void softmax(const Call& call, const WindowTile& tile) const;
  void token_values(const Call& call, const WindowTile& tile) const;
  void cross_attention(const Call& call, int64_t first, int64_t count) const;
};

}  // namespace brt
