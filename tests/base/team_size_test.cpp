// SPDX-License-Identifier: Apache-2.0
// Teams that give up threads and take them back.
#include "base/team_size.h"

#include <algorithm>
#include <chrono>

#include <gtest/gtest.h>

namespace brt {
namespace {

constexpr std::chrono::milliseconds kShort{100};
constexpr std::chrono::milliseconds kLong{800};

/// Windows until the size changes, at most 1000.
int64_t windows_until_change(TeamSize& team, double delay_share) {
  const int64_t before = team.size();
  int64_t windows = 0;
  while (team.size() == before && windows < 1000) {
    team.end_window(delay_share, kShort);
    ++windows;
  }
  return windows;
}

/// Enough busy windows to give up a thread.
void fail(TeamSize& team) {
  team.end_window(1.0, kShort);
  team.end_window(1.0, kShort);
}

TEST(TeamSize, StaysWholeWhileThreadsHaveCores) {
  TeamSize team(2);
  for (int i = 0; i < 100; ++i) {
    team.end_window(0.2, kShort);
    ASSERT_EQ(team.size(), 2);
  }
}

TEST(TeamSize, GivesUpAThreadAfterTwoBusyWindowsInARow) {
  TeamSize team(2);
  for (int i = 0; i < 10; ++i) {
    team.end_window(0.6, kShort);
    team.end_window(0.1, kShort);
    ASSERT_EQ(team.size(), 2);
  }
  team.end_window(0.6, kShort);
  team.end_window(0.6, kShort);
  EXPECT_EQ(team.size(), 1);
  EXPECT_EQ(team.most(), 2);
}

TEST(TeamSize, GivesUpAThreadAfterOneLongBusyWindow) {
  TeamSize team(2);
  team.end_window(0.6, kLong);
  EXPECT_EQ(team.size(), 1);
}

TEST(TeamSize, NeverLeavesOneThreadOrExceedsAll) {
  TeamSize team(5);
  for (int i = 0; i < 300; ++i) {
    team.end_window(i < 100 ? 3.0 : 0.0, kShort);
    ASSERT_GE(team.size(), 1);
    ASSERT_LE(team.size(), 5);
    ASSERT_EQ(team.most(), 5);
  }
  EXPECT_EQ(team.size(), 5);
}

TEST(TeamSize, OneThreadStaysOne) {
  TeamSize team(1);
  for (int i = 0; i < 100; ++i) {
    team.end_window(i % 2, kShort);
    ASSERT_EQ(team.size(), 1);
  }
}

TEST(TeamSize, LargeTeamsReachOneInFewWindows) {
  TeamSize team(64);
  int windows = 0;
  while (team.size() > 1) {
    team.end_window(1.0, kShort);
    ++windows;
  }
  EXPECT_LE(windows, 40);
}

TEST(TeamSize, TriesAgainAfterAPauseThatDoublesUpToALimit) {
  TeamSize team(2);
  fail(team);
  int64_t pause = windows_until_change(team, 0.0);
  EXPECT_GT(pause, 1);
  int64_t longest = pause;
  for (int i = 0; i < 10; ++i) {
    fail(team);  // the try fails
    ASSERT_EQ(team.size(), 1);
    pause = windows_until_change(team, 0.0);
    EXPECT_EQ(pause, std::min<int64_t>(2 * longest, 32));
    longest = pause;
  }
}

TEST(TeamSize, DoesNotTryWhileTheThreadsLeftWaitForCores) {
  TeamSize team(2);
  fail(team);
  EXPECT_EQ(windows_until_change(team, 0.3), 1000);
  EXPECT_EQ(windows_until_change(team, 0.0), 1);
}

TEST(TeamSize, ATeamThatLastsIsTriedSoonAfterTheNextDisturbance) {
  TeamSize team(2);
  fail(team);
  const int64_t shortest = windows_until_change(team, 0.0);
  fail(team);
  EXPECT_EQ(windows_until_change(team, 0.0), 2 * shortest);
  for (int i = 0; i < 100; ++i) {
    team.end_window(0.0, kShort);
  }
  fail(team);
  EXPECT_EQ(windows_until_change(team, 0.0), shortest);
}

}  // namespace
}  // namespace brt
