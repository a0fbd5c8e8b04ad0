// SPDX-License-Identifier: Apache-2.0
// Where the buffers of a stream's state lie in its memory; the same for all streams of a model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/operand.h"
#include "engine/packed_model.h"
#include "engine/stream_state.h"

namespace brt {

/// Where a recurrent layer's buffers lie, in bytes. T is float or Bfloat16, see StreamLayout.
struct CellOffsets {
  int64_t state = 0;  ///< float [S, D], at the start of the block: all else here is derived
  // Of this state, made before the block's first token is read:
  int64_t keys = 0;    ///< T, [H] panels of Ks^T [K, S]
  int64_t values = 0;  ///< T, [H] panels of Vs [S, K]
  // The update of the current block (state_update.h):
  int64_t qkv = 0;             ///< float [S, columns of two projections]: Ks and Vs, then qs and qe
  int64_t operand = 0;         ///< rows [S] on their way into the next product
  int64_t queries = 0;         ///< T [S, H*K]: qs
  int64_t cross_queries = 0;   ///< T [S, H*K]: qe
  int64_t attended = 0;        ///< float [S, H*K]: rs, then re
  int64_t log_sum = 0;         ///< float [S, H]: of the softmax of re so far
  int64_t projection = 0;      ///< float [S, columns]: products with [rs ; re]
  int64_t hidden = 0;          ///< float [S, F]: dual
  int64_t ffn_projection = 0;  ///< float [S, columns]: dual, single: products with hidden units
};

struct LayerOffsets {
  // Caches: two blocks (the current one and the one before it; which is which alternates), in
  // each all heads. A token's position in its block is its row in the panels.
  int64_t keys = 0;    ///< T, [2, H] panels of keys^T [K, W]: kernels/panels.h
  int64_t values = 0;  ///< T, [2, H] panels of values [W, K]
  int64_t rotated_keys =
      0;             ///< as keys, rotated by rotary; derived. Without rotary the same as keys
  CellOffsets cell;  ///< of recurrent layers
};

struct StreamLayout {
  StreamLayout(const PackedModel& model);

  ModelConfig config;
  WeightFormat format;
  uint64_t fingerprint = 0;
  bool is_float = false;       ///< T is float, else Bfloat16
  int64_t key_head_bytes = 0;  ///< of one head and block
  int64_t value_head_bytes = 0;
  int64_t state_key_bytes = 0;  ///< of one head
  int64_t state_value_bytes = 0;
  OperandFormat cell_operand;  ///< of CellOffsets::operand
  std::vector<LayerOffsets> layers;
  int64_t logits = 0;  ///< float [V]
  int64_t bytes = 0;

  struct Part {
    std::string name;
    int64_t offset = 0;
    int64_t bytes = 0;
  };
  std::vector<Part> parts;  ///< what is saved
};

/// One head of one layer of a stream.
struct StreamHead {
  StreamState& state;
  int64_t layer = 0;
  int64_t head = 0;
};

/// Blocks whose keys and values are in the cache.
inline constexpr int64_t kCurrentBlock = 0;
inline constexpr int64_t kPreviousBlock = 1;

/// A recurrent layer's buffers in a stream's memory: see CellOffsets.
template <class T>
struct CellMemory {
  float* state_SD = nullptr;
  float* qkv_SP = nullptr;
  std::byte* operand = nullptr;
  T* queries_SE = nullptr;
  T* cross_queries_SE = nullptr;
  float* attended_SE = nullptr;
  float* log_sum_SH = nullptr;
  float* projection_SP = nullptr;
  float* hidden_SF = nullptr;
  float* ffn_projection_SP = nullptr;
};

/// A state's memory, for those who compute with it.
class StateAccess {
 public:
  static const StreamLayout* layout(const StreamState& state) { return state.layout_.get(); }
  template <class T>
  static T* at(StreamState& state, int64_t offset) {
    return state.memory_.at<T>(offset);
  }
  static int64_t& tokens_read(StreamState& state) { return state.tokens_read_; }
  static int64_t& units_done(StreamState& state, int64_t layer) {
    return state.units_done_[static_cast<size_t>(layer)];
  }

  /// Panels of the cache: keys^T [K, W] of a block.
  template <class T>
  static T* keys(const StreamHead& of, int64_t block) {
    return cache<T>(of, offsets(of).keys, of.state.layout_->key_head_bytes, block);
  }
  /// The same keys, rotated by rotary; without it those of keys().
  template <class T>
  static T* rotated_keys(const StreamHead& of, int64_t block) {
    return cache<T>(of, offsets(of).rotated_keys, of.state.layout_->key_head_bytes, block);
  }
  /// Panels of the cache: values [W, K] of a block.
  template <class T>
  static T* values(const StreamHead& of, int64_t block) {
    return cache<T>(of, offsets(of).values, of.state.layout_->value_head_bytes, block);
  }

  /// Panels of Ks^T [K, S] of a recurrent layer.
  template <class T>
  static T* state_keys(const StreamHead& of) {
    return at<T>(of.state, offsets(of).cell.keys + of.head * of.state.layout_->state_key_bytes);
  }
  /// Panels of Vs [S, K] of a recurrent layer.
  template <class T>
  static T* state_values(const StreamHead& of) {
    return at<T>(of.state, offsets(of).cell.values + of.head * of.state.layout_->state_value_bytes);
  }
  template <class T>
  static CellMemory<T> cell(StreamState& state, int64_t layer) {
    const CellOffsets& cell = state.layout_->layers[static_cast<size_t>(layer)].cell;
    return {at<float>(state, cell.state),       at<float>(state, cell.qkv),
            at<std::byte>(state, cell.operand), at<T>(state, cell.queries),
            at<T>(state, cell.cross_queries),   at<float>(state, cell.attended),
            at<float>(state, cell.log_sum),     at<float>(state, cell.projection),
            at<float>(state, cell.hidden),      at<float>(state, cell.ffn_projection)};
  }

 private:
  static const LayerOffsets& offsets(const StreamHead& of) {
    return of.state.layout_->layers[static_cast<size_t>(of.layer)];
  }
  template <class T>
  static T* cache(const StreamHead& of, int64_t offset, int64_t head_bytes, int64_t block) {
    const StreamLayout& layout = *of.state.layout_;
    const int64_t half = (of.state.tokens_read_ / layout.config.window + block) % 2;
    return of.state.memory_.at<T>(offset + (half * layout.config.num_heads + of.head) * head_bytes);
  }
};

}  // namespace brt
