// SPDX-License-Identifier: Apache-2.0
// Shares of an update by tokens.
#include "engine/update_schedule.h"

#include <algorithm>

#include "base/divide_up.h"
#include "kernels/panels.h"

namespace brt {
namespace {

/// Tokens of the block that a stage needs.
int64_t tokens_needed(const UpdateUnits::Stage& stage, int64_t window) {
  if (stage.stage < UpdateStage::kAttendBlock) {
    return 0;
  }
  if (stage.stage == UpdateStage::kAttendBlock) {
    return std::min((stage.key_panel + 1) * kernels::kPanelColumns, window);
  }
  return window;
}

}  // namespace

UpdateSchedule::UpdateSchedule(const UpdateUnits& units, int64_t window)
    : window_(window), count_(units.count()) {
  for (const UpdateUnits::Stage& stage : units.stages()) {
    bounds_.push_back({tokens_needed(stage, window), stage.end});
  }
}

int64_t UpdateSchedule::units_due(int64_t tokens, int64_t team_size) const {
  const int64_t share = divide_up(count_ * tokens, window_);
  return std::min(units_possible(tokens), round_up(share, team_size));
}

int64_t UpdateSchedule::units_possible(int64_t tokens) const {
  int64_t possible = 0;
  for (const Bound& bound : bounds_) {
    if (bound.tokens <= tokens) {
      possible = bound.end;
    }
  }
  return possible;
}

}  // namespace brt
