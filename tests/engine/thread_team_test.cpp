// SPDX-License-Identifier: Apache-2.0
// Threads that meet at barriers.
#include "engine/thread_team.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/available_cores.h"

namespace brt {
namespace {

/// Whether every thread of the call sees, behind each barrier, what all others wrote before it.
bool barriers_hold(ThreadTeam& team, int64_t rounds) {
  std::vector<int64_t> written(static_cast<size_t>(team.most()));
  std::vector<int64_t> wrong(static_cast<size_t>(team.most()));
  team.run([&](int64_t thread) {
    for (int64_t round = 1; round <= rounds; ++round) {
      written[static_cast<size_t>(thread)] = round;
      team.barrier(thread);
      for (int64_t other = 0; other < team.size(); ++other) {
        wrong[static_cast<size_t>(thread)] += written[static_cast<size_t>(other)] != round ? 1 : 0;
      }
      team.barrier(thread);
    }
  });
  return std::ranges::all_of(wrong, [](int64_t count) { return count == 0; });
}

TEST(ThreadTeam, EveryThreadSeesWhatTheOthersWroteBeforeABarrier) {
  for (const int64_t threads : {1, 2, 5}) {
    ThreadTeam team(threads, [threads] { return threads; });
    for (int64_t call = 0; call < 20; ++call) {
      EXPECT_TRUE(barriers_hold(team, 20)) << threads << " threads, call " << call;
    }
  }
}

TEST(ThreadTeam, SleepingThreadsWakeForTheNextCall) {
  ThreadTeam team(3, [] { return 3; });
  std::vector<int> calls(3);
  for (int i = 0; i < 3; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    team.run([&](int64_t thread) { ++calls[static_cast<size_t>(thread)]; });
  }
  EXPECT_EQ(calls, std::vector<int>(3, 3));
}

TEST(ThreadTeam, MoreThreadsThanCoresEnd) {
  ThreadTeam team(4 * available_cores() + 1);
  EXPECT_EQ(team.most(), 4 * available_cores() + 1);
  for (int call = 0; call < 20; ++call) {
    EXPECT_TRUE(barriers_hold(team, 5)) << call;
  }
}

TEST(ThreadTeam, ThreadsComeAndGoBetweenCalls) {
  static constexpr std::array<int64_t, 9> kSizes = {4, 1, 2, 4, 3, 1, 1, 4, 2};
  size_t call = 0;
  ThreadTeam team(4, [&call] { return kSizes[call % kSizes.size()]; });
  EXPECT_EQ(team.most(), 4);
  for (; call < 90; ++call) {
    std::vector<int> calls(4);
    team.run([&](int64_t thread) { ++calls[static_cast<size_t>(thread)]; });
    for (int64_t thread = 0; thread < 4; ++thread) {
      ASSERT_EQ(calls[static_cast<size_t>(thread)], thread < kSizes[call % kSizes.size()] ? 1 : 0);
    }
    ASSERT_TRUE(barriers_hold(team, 3)) << call;
    if (call % 30 == 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));  // all sleep
    }
  }
}

TEST(ThreadTeam, AThreadThatComesLateToABarrierIsWaitedForAsleep) {
  ThreadTeam team(3);
  int64_t sum = 0;
  std::vector<int64_t> parts(3);
  team.run([&](int64_t thread) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20 * thread));
    parts[static_cast<size_t>(thread)] = thread + 1;
    team.barrier(thread);
    if (thread == 0) {
      sum = parts[0] + parts[1] + parts[2];
    }
  });
  EXPECT_EQ(sum, 6);
}

/// Forks and gives the exit code of the child, which runs `work` and ends with what it returns; -1
/// if it does not end within ten seconds.
template <class Work>
int exit_code_of_child(const Work& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(10);
    ::_exit(work());
  }
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(ThreadTeam, WorksOnBothSidesOfAFork) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the thread sanitizer lets no forked child start threads";
#endif
  ThreadTeam team(3);
  ASSERT_TRUE(barriers_hold(team, 5));
  const auto work = [&team] {
    const bool holds = barriers_hold(team, 5) && barriers_hold(team, 5);
    return holds && team.most() == 3 ? 0 : 1;
  };
  EXPECT_EQ(exit_code_of_child(work), 0);
  EXPECT_EQ(exit_code_of_child([&] { return exit_code_of_child(work); }), 0) << "a child's child";
  EXPECT_TRUE(barriers_hold(team, 5));
}

TEST(ThreadTeam, MayBeDestroyedInAChildThatDidNotUseIt) {
  std::unique_ptr<ThreadTeam> team = std::make_unique<ThreadTeam>(3);
  EXPECT_EQ(exit_code_of_child([&team] {
              team.reset();
              return 0;
            }),
            0);
}

TEST(ThreadTeam, PartsCoverTheWholeInOrder) {
  const ThreadTeam team(3);
  for (const int64_t count : {0, 1, 2, 3, 10}) {
    int64_t end = 0;
    for (int64_t thread = 0; thread < 3; ++thread) {
      const Range part = team.part(count, thread);
      EXPECT_EQ(part.begin, end);
      end = part.end;
    }
    EXPECT_EQ(end, count);
  }
}

}  // namespace
}  // namespace brt
