// SPDX-License-Identifier: Apache-2.0
// How an update is spread over its block.
#include "engine/update_schedule.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "engine/packed_case.h"

namespace brt {
namespace {

constexpr int64_t kWindow = 130;  // three panels of keys

class UpdateScheduleOf : public testing::Test {
 protected:
  const PackedCase model_{case_config(kWindow, /*num_states=*/70)};
  const UpdateUnits units_{model_.model.config(), *model_.model.layer(1).cell};
  const UpdateSchedule schedule_{units_, kWindow};
};

TEST_F(UpdateScheduleOf, NothingIsDueBeforeTheFirstTokenAndAllWithTheLast) {
  EXPECT_EQ(schedule_.units_due(0, 1), 0);
  for (const int64_t team_size : {1, 2, 5}) {
    EXPECT_EQ(schedule_.units_due(kWindow, team_size), units_.count());
  }
}

TEST_F(UpdateScheduleOf, MoreTokensNeverMeanLess) {
  for (int64_t tokens = 1; tokens <= kWindow; ++tokens) {
    EXPECT_GE(schedule_.units_due(tokens, 2), schedule_.units_due(tokens - 1, 2));
  }
}

TEST_F(UpdateScheduleOf, NoUnitIsDueBeforeItsTokens) {
  for (int64_t tokens = 0; tokens < kWindow; ++tokens) {
    const int64_t due = schedule_.units_due(tokens, 3);
    for (int64_t i = 0; i < due; ++i) {
      const UpdateUnit unit = units_.at(i);
      EXPECT_LE(unit.stage, UpdateStage::kAttendBlock);
      if (unit.stage == UpdateStage::kAttendBlock) {
        EXPECT_LE(std::min((unit.key_panel + 1) * 64, kWindow), tokens);
      }
    }
  }
}

TEST_F(UpdateScheduleOf, ShareOfATokenIsEvenUntilTokensAreMissing) {
  int64_t limit = 0;  // units that need no token
  while (units_.at(limit).stage < UpdateStage::kAttendBlock) {
    ++limit;
  }
  const int64_t share = (units_.count() + kWindow - 1) / kWindow;
  for (int64_t tokens = 1; schedule_.units_due(tokens, 1) < limit; ++tokens) {
    EXPECT_LE(schedule_.units_due(tokens, 1) - schedule_.units_due(tokens - 1, 1), share);
  }
}

TEST_F(UpdateScheduleOf, TurnsOccupyTheWholeTeam) {
  for (int64_t tokens = 1; tokens < 10; ++tokens) {
    EXPECT_EQ(schedule_.units_due(tokens, 4) % 4, 0);
  }
}

}  // namespace
}  // namespace brt
