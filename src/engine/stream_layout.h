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
  int64_t state =
      0;  ///< float [S, D], at the start of the block: the only one that is not derived from others
  // Of this state, made before the block's first token is read:
  int64_t keys = 0;    ///< T, [H] panels of Ks^T [K, S]
  int64_t values = 0;  ///< T, [H] panels of Vs [S, K]
  // The update of the current block (state_update.h):
  int64_t qkv = 0;             ///< float [S, columns of two maps]: Ks and Vs, then qs and qe
  int64_t operand = 0;         ///< rows [S] on their way into the next product
  int64_t queries = 0;         ///< T [S, H*K]: qs
  int64_t cross_queries = 0;   ///< T [S, H*K]: qe
  int64_t attended = 0;        ///< float [S, H*K]: rs, then re
  int64_t log_sum = 0;         ///< float [S, H]: of the softmax of re so far
  int64_t projection = 0;      ///< float [S, columns]: what reads [rs ; re]
  int64_t hidden = 0;          ///< float [S, F]: dual
  int64_t ffn_projection = 0;  ///< float [S, columns]: dual, single: what reads the hidden units
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
  OperandRows cell_operand;  ///< of CellOffsets::operand
  std::vector<LayerOffsets> layers;
  int64_t logits = 0;  ///< float [V]
  int64_t bytes = 0;

  struct Part {
    std::string name;
    int64_t offset = 0;
    int64_t bytes = 0;
  };
  std::vector<Part> parts;  ///< what is saved

  int64_t num_heads() const { return config.num_heads; }
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

  /// Keys of a head: `block` is 0 for the current one, 1 for the one before it.
  template <class T>
  static T* cache(
      StreamState& state, int64_t offset, int64_t head_bytes, int64_t block, int64_t head) {
    const StreamLayout& layout = *state.layout_;
    const int64_t half = (state.tokens_read_ / layout.config.window + block) % 2;
    return state.memory_.at<T>(offset + (half * layout.num_heads() + head) * head_bytes);
  }
};

}  // namespace brt
