// SPDX-License-Identifier: Apache-2.0
// The recurrent cell's update of one block as a list of small units of work, in order.
#pragma once

#include <cstdint>
#include <vector>

#include "config/model_config.h"
#include "engine/layer_weights.h"

namespace brt {

/// The stages of an update, in order. Products are divided by panels of the matrix's columns,
/// attention by heads.
enum class UpdateStage {
  kAddStateIds,            ///< s = rmsnorm(c) + state_ids
  kProjectKeysValues,      ///< s [Wk' ; Wv']
  kPackKeysValues,         ///< Ks, Vs; the block's tokens attend to them
  kProjectQueries,         ///< s [Wq' ; Wq2']
  kMakeQueries,            ///< qs, qe
  kAttendStates,           ///< rs = attention(qs, Ks, Vs, |b|)
  kRoundAttendedStates,    ///< rs as an operand
  kProjectAttendedStates,  ///< rs times its part of what multiplies [rs ; re]
  kAttendPreviousBlock,    ///< re = attention(qe, Ke, Ve, |b2|), by panels of keys ...
  kAttendBlock,            ///< ... of both blocks
  kRoundAttendedTokens,    ///< re as an operand
  kProjectAttendedTokens,  ///< + re times its part
  kGateAttended,           ///< skip, dual: c = gate(c, z = [rs ; re] Wo')
  kProjectUp,              ///< dual: rmsnorm(c) W1'
  kActivate,               ///< dual, single: h = relu(..) as an operand
  kProjectDown,            ///< dual, single: h W2'
  kGateHidden,             ///< dual: c = gate(c, z = h W2');  single: z = tanh(h W2')
};

/// A part of a stage that one thread does: its bounds are fixed, so that its bits are.
struct UpdateUnit {
  UpdateStage stage = UpdateStage::kAddStateIds;
  int64_t tile = 0;       ///< of kernels::kAttentionRows states
  int64_t part = 0;       ///< head or panel of columns
  int64_t key_panel = 0;  ///< of stages that attend to tokens
};

/// The units of all stages, numbered. Units of a stage are independent of each other and need the
/// stages before.
class UpdateUnits {
 public:
  /// Units [begin, end) of one stage and, of attention to tokens, one panel of keys.
  struct Stage {
    UpdateStage stage = UpdateStage::kAddStateIds;
    int64_t begin = 0;
    int64_t end = 0;
    int64_t parts = 1;  ///< of a tile
    int64_t key_panel = 0;
  };

  UpdateUnits(const ModelConfig& config, const CellWeights& weights);

  int64_t count() const { return count_; }
  const std::vector<Stage>& stages() const { return stages_; }
  /// Units that must be done before the block's first token is read: Ks and Vs.
  int64_t before_tokens() const { return before_tokens_; }
  /// The end of the stage that a unit belongs to.
  int64_t stage_end(int64_t unit) const { return stage_of(unit).end; }
  /// What a unit does, of [0, count()).
  UpdateUnit at(int64_t unit) const;

 private:
  int64_t num_tiles_;
  std::vector<Stage> stages_;
  int64_t count_ = 0;
  int64_t before_tokens_ = 0;

  void add(UpdateStage stage, int64_t parts, int64_t key_panel = 0);
  void add_gates(CellType cell, const CellWeights& weights);
  const Stage& stage_of(int64_t unit) const;
};

}  // namespace brt
