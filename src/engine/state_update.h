// SPDX-License-Identifier: Apache-2.0
// The recurrent cell's update of one block, cut into small units of work.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/packed_model.h"
#include "engine/panel_attention.h"
#include "engine/stream_layout.h"

namespace brt {

/// What turns the state at a block's start into the next one (model.md, "The recurrent layer"):
///
///   s = rmsnorm(c) + state_ids;   Ks, Vs, qs, qe = s Wk', s Wv', s Wq', s Wq2'
///   rs = attention(qs, Ks, Vs, |b|);   re = attention(qe, keys and values of 2 blocks, |b2|)
///   c = gate(c, [rs ; re])
///
/// as a list of units, each with fixed bounds, in stages: the units of a stage are independent of
/// each other and need the stages before. Most of them can be done while the block's tokens are
/// read, so that its last token waits for little; when they are done does not change a bit. After
/// the last unit the state is that of the next block, and the list begins anew.
template <class T>
class StateUpdate {
 public:
  StateUpdate(const PackedModel& model, const StreamLayout& layout, int64_t layer);

  int64_t layer() const { return layer_; }
  int64_t num_units() const { return num_units_; }
  /// Units that must be done before the block's first token is read: Ks and Vs.
  int64_t units_before_tokens() const { return units_before_tokens_; }
  /// Units that can be done when `tokens` tokens of the block have been read.
  int64_t units_possible(int64_t tokens) const;
  /// The end of the stage that `unit` belongs to.
  int64_t stage_end(int64_t unit) const;

  int64_t scratch_bytes() const;
  /// The state's tokens_read() must lie within the block.
  void run(int64_t unit, StreamState& state, std::byte* scratch) const;

 private:
  /// What a unit works on.
  struct Work {
    StreamState& state;
    int64_t unit;   ///< within the stage
    int64_t panel;  ///< of the stage's block of tokens
    std::byte* scratch;
  };
  using Function = void (StateUpdate::*)(const Work& work) const;
  struct Stage {
    Function function;
    int64_t begin = 0;  ///< its first unit
    int64_t count = 0;
    int64_t panel = 0;
    int64_t tokens = 0;  ///< of the block that it needs
  };
  /// What one panel of keys gives to a tile's rows, by itself.
  struct PanelPart {
    const float* log_sum_R = nullptr;
    const float* sum_RK = nullptr;
    bool is_first = false;
  };
  /// What a gate reads: the product of a matrix, at an offset of the state's memory.
  struct GateProjection {
    const WeightMatrix& matrix;
    int64_t offset = 0;
    bool has_tanh = false;  ///< of the candidate, with either gate
  };
  /// States [first, first + count) of a tile.
  struct Tile {
    int64_t first = 0;
    int64_t count = 0;
  };

  const PackedModel& model_;
  const StreamLayout& layout_;
  const ModelConfig& config_;
  int64_t layer_;
  const CellWeights& weights_;
  const CellOffsets& offsets_;
  std::vector<Stage> stages_;
  int64_t num_units_ = 0;
  int64_t units_before_tokens_ = 0;

  void add_stage(Function function, int64_t count, int64_t tokens = 0, int64_t panel = 0);
  void add_end();
  int64_t num_tiles() const;
  Tile tile(int64_t index) const;
  float* floats(const Work& work, int64_t offset) const;
  TileScratch<T> tile_scratch(const Work& work) const;
  float* vectors(const Work& work) const;

  // Stages, in order.
  void add_state_ids(const Work& work) const;
  void project_keys_values(const Work& work) const;
  void store_keys_values(const Work& work) const;
  void project_queries(const Work& work) const;
  void store_queries(const Work& work) const;
  void attend_states(const Work& work) const;
  void prepare_attended(const Work& work) const;
  void project_attended_states(const Work& work) const;
  void attend_previous_block(const Work& work) const;
  void attend_block(const Work& work) const;
  void project_attended_tokens(const Work& work) const;
  void gate_skip(const Work& work) const;
  void gate_dual(const Work& work) const;
  void project_up(const Work& work) const;
  void prepare_hidden(const Work& work) const;
  void prepare_single(const Work& work) const;
  void project_down(const Work& work) const;
  void gate_hidden(const Work& work) const;

  // Their parts.
  void normalize(const Work& work,
                 const Tile& rows,
                 const std::vector<float>& gain_D,
                 float* out_SD) const;
  void make_operand(
      const Work& work, const Tile& rows, const float* x, int64_t stride, int64_t depth) const;
  void product(const Work& work,
               const WeightMatrix& matrix,
               int64_t out,
               kernels::MatmulOutput output) const;
  void attend_panel(const Work& work, int64_t block) const;
  void join(const Work& work, const Tile& rows, int64_t head, const PanelPart& part) const;
  void relu(const Work& work, const Tile& rows, int64_t offset, int64_t stride) const;
  void gate_rows(const Work& work,
                 const Tile& rows,
                 const GateWeights& gate,
                 const GateProjection& projection) const;
};

}  // namespace brt
