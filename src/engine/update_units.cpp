// SPDX-License-Identifier: Apache-2.0
// The order of an update's stages, and their sizes.
#include "engine/update_units.h"

#include <algorithm>

#include "base/divide_up.h"
#include "kernels/panel_attention.h"

namespace brt {

UpdateUnits::UpdateUnits(const ModelConfig& config, const CellWeights& weights)
    : num_tiles_(divide_up(config.num_states, kernels::kAttentionRows)) {
  const int64_t heads = config.num_heads;
  const int64_t key_panels = kernels::num_panels(config.window);
  add(UpdateStage::kAddStateIds, 1);
  add(UpdateStage::kProjectKeysValues, weights.keys_values.num_panels());
  add(UpdateStage::kPackKeysValues, heads);
  before_tokens_ = count_;
  add(UpdateStage::kProjectQueries, weights.queries.num_panels());
  add(UpdateStage::kMakeQueries, 1);
  add(UpdateStage::kAttendStates, heads);
  add(UpdateStage::kRoundAttendedStates, 1);
  add(UpdateStage::kProjectAttendedStates, weights.state_projection.num_panels());
  for (const UpdateStage stage : {UpdateStage::kAttendPreviousBlock, UpdateStage::kAttendBlock}) {
    for (int64_t panel = 0; panel < key_panels; ++panel) {
      add(stage, heads, panel);
    }
  }
  add(UpdateStage::kRoundAttendedTokens, 1);
  add(UpdateStage::kProjectAttendedTokens, weights.token_projection.num_panels());
  add_gates(config.cell, weights);
}

void UpdateUnits::add(UpdateStage stage, int64_t parts, int64_t key_panel) {
  const int64_t end = count_ + num_tiles_ * parts;
  stages_.push_back({stage, count_, end, parts, key_panel});
  count_ = end;
}

/// model.md, "Configurations".
void UpdateUnits::add_gates(CellType cell, const CellWeights& weights) {
  if (cell != CellType::kSingle) {
    add(UpdateStage::kGateAttended, 1);
  }
  if (cell == CellType::kSkip) {
    return;
  }
  if (cell == CellType::kDual) {
    add(UpdateStage::kProjectUp, weights.up.num_panels());
  }
  add(UpdateStage::kActivate, 1);
  add(UpdateStage::kProjectDown, weights.down.num_panels());
  add(UpdateStage::kGateHidden, 1);
}

const UpdateUnits::Stage& UpdateUnits::stage_of(int64_t unit) const {
  return *std::ranges::find_if(stages_, [unit](const Stage& stage) { return unit < stage.end; });
}

UpdateUnit UpdateUnits::at(int64_t unit) const {
  const Stage& stage = stage_of(unit);
  const int64_t index = unit - stage.begin;
  return {stage.stage, index / stage.parts, index % stage.parts, stage.key_panel};
}

}  // namespace brt
