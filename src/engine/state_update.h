// SPDX-License-Identifier: Apache-2.0
// What each unit of the recurrent cell's update computes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/packed_model.h"
#include "engine/stream_layout.h"
#include "engine/update_units.h"
#include "kernels/panel_attention.h"

namespace brt {

/// What turns the state at a block's start into the next one (model.md, "The recurrent layer"):
///
///   s = rmsnorm(c) + state_ids;   Ks, Vs, qs, qe = s Wk', s Wv', s Wq', s Wq2'
///   rs = attention(qs, Ks, Vs, |b|);   re = attention(qe, keys and values of 2 blocks, |b2|)
///   c = gate(c, [rs ; re])
///
/// in the units of UpdateUnits. When they are done, within the order of their stages, does not
/// change a bit. After the last one the state is that of the next block, and the list begins anew.
template <class T>
class StateUpdate {
 public:
  StateUpdate(const PackedModel& model, const StreamLayout& layout, int64_t layer);

  int64_t layer() const { return layer_; }
  const UpdateUnits& units() const { return units_; }

  /// Of memory, aligned to 64 bytes, that run() needs.
  int64_t scratch_bytes() const;
  /// The state's tokens_read() must lie within the block.
  void run(int64_t unit, StreamState& state, std::byte* scratch) const;

 private:
  /// States [first, first + count), one of their parts, and the memory to work in.
  struct Work {
    StreamState& state;
    CellMemory<T> cell;
    int64_t first = 0;
    int64_t count = 0;
    int64_t part = 0;
    int64_t key_panel = 0;
    kernels::AttentionScratch<T> attention;
    float* vectors = nullptr;  ///< [kAttentionRows, largest of D + 1 and K]
  };

  const StreamLayout& layout_;
  const ModelConfig& config_;
  int64_t layer_;
  const CellWeights& weights_;
  UpdateUnits units_;

  Work work_of(const UpdateUnit& unit, StreamState& state, std::byte* scratch) const;
  int64_t logits_stride() const;

  void prepare_states(const Work& work) const;
  void pack_keys_values(const Work& work) const;
  void make_queries(const Work& work) const;
  void attend_states(const Work& work) const;
  void attend_tokens(const Work& work, int64_t block) const;
  void gate_attended(const Work& work) const;
  void activate(const Work& work) const;
  void gate_hidden(const Work& work) const;

  void multiply(const Work& work,
                const WeightMatrix& matrix,
                float* out_SP,
                kernels::MatmulOutput output = kernels::MatmulOutput::kStoreFloat) const;
  void make_operand(const Work& work, const float* rows, int64_t stride, int64_t depth) const;
  void apply_gate(const Work& work,
                  const GateWeights& gate,
                  const WeightMatrix& matrix,
                  float* projection_SP) const;
};

}  // namespace brt
