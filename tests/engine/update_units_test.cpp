// SPDX-License-Identifier: Apache-2.0
// The list of an update's units.
#include "engine/update_units.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "engine/packed_case.h"

namespace brt {
namespace {

const CellWeights& cell_of(const PackedCase& model) { return *model.model.layer(1).cell; }

ModelConfig cell_config(CellType cell) {
  ModelConfig config = case_config(/*window=*/80, /*num_states=*/70);
  config.cell = cell;
  return config;
}

std::vector<UpdateStage> stages_after_tokens(CellType cell) {
  const PackedCase model(cell_config(cell));
  std::vector<UpdateStage> stages;
  const UpdateUnits units(model.model.config(), cell_of(model));
  for (const UpdateUnits::Stage& stage : units.stages()) {
    if (stage.stage >= UpdateStage::kGateAttended) {
      stages.push_back(stage.stage);
    }
  }
  return stages;
}

TEST(UpdateUnits, StagesFollowEachOtherWithoutGap) {
  const PackedCase model(cell_config(CellType::kDual));
  const UpdateUnits units(model.model.config(), cell_of(model));
  int64_t end = 0;
  UpdateStage last = UpdateStage::kAddStateIds;
  for (const UpdateUnits::Stage& stage : units.stages()) {
    EXPECT_EQ(stage.begin, end);
    EXPECT_GT(stage.end, stage.begin);
    EXPECT_GE(stage.stage, last);
    last = stage.stage;
    end = stage.end;
  }
  EXPECT_EQ(units.count(), end);
}

TEST(UpdateUnits, EveryPartOfEveryStageIsOneUnit) {
  const PackedCase model(cell_config(CellType::kSingle));
  const UpdateUnits units(model.model.config(), cell_of(model));
  std::set<std::tuple<UpdateStage, int64_t, int64_t, int64_t>> seen;
  for (int64_t i = 0; i < units.count(); ++i) {
    const UpdateUnit unit = units.at(i);
    EXPECT_LT(unit.tile, 2);  // 70 states
    EXPECT_TRUE(seen.insert({unit.stage, unit.tile, unit.part, unit.key_panel}).second) << i;
    EXPECT_GT(units.stage_end(i), i);
  }
  for (const int64_t key_panel : {0, 1}) {  // W = 80, three heads, two tiles
    EXPECT_TRUE(seen.contains({UpdateStage::kAttendBlock, 1, 2, key_panel}));
  }
  EXPECT_FALSE(seen.contains({UpdateStage::kAttendBlock, 0, 3, 0}));
}

TEST(UpdateUnits, KeysAndValuesOfStatesComeBeforeTheTokens) {
  const PackedCase model(cell_config(CellType::kSkip));
  const UpdateUnits units(model.model.config(), cell_of(model));
  for (int64_t i = 0; i < units.count(); ++i) {
    EXPECT_EQ(i < units.before_tokens(), units.at(i).stage <= UpdateStage::kPackKeysValues) << i;
  }
}

TEST(UpdateUnits, ConfigurationsDifferInTheirGates) {
  using enum UpdateStage;
  EXPECT_EQ(stages_after_tokens(CellType::kSkip), std::vector<UpdateStage>{kGateAttended});
  EXPECT_EQ(
      stages_after_tokens(CellType::kDual),
      (std::vector<UpdateStage>{kGateAttended, kProjectUp, kActivate, kProjectDown, kGateHidden}));
  EXPECT_EQ(stages_after_tokens(CellType::kSingle),
            (std::vector<UpdateStage>{kActivate, kProjectDown, kGateHidden}));
}

}  // namespace
}  // namespace brt
