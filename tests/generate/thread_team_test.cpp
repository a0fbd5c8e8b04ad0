// SPDX-License-Identifier: Apache-2.0
// Threads that meet at barriers.
#include "generate/thread_team.h"

#include <chrono>
#include <vector>

#include <gtest/gtest.h>

namespace brt {
namespace {

TEST(ThreadTeam, EveryThreadSeesWhatTheOthersWroteBeforeABarrier) {
  for (const int64_t threads : {1, 2, 5}) {
    ThreadTeam team(threads);
    std::vector<int64_t> written(static_cast<size_t>(threads));
    std::vector<int64_t> wrong(static_cast<size_t>(threads));
    for (int64_t call = 0; call < 20; ++call) {
      team.run([&](int64_t thread) {
        for (int64_t round = 0; round < 20; ++round) {
          written[static_cast<size_t>(thread)] = call * 20 + round;
          team.barrier(thread);
          for (const int64_t value : written) {
            wrong[static_cast<size_t>(thread)] += value != call * 20 + round ? 1 : 0;
          }
          team.barrier(thread);
        }
      });
    }
    EXPECT_EQ(wrong, std::vector<int64_t>(static_cast<size_t>(threads)));
  }
}

TEST(ThreadTeam, SleepingThreadsWakeForTheNextCall) {
  ThreadTeam team(3);
  std::vector<int> calls(3);
  for (int i = 0; i < 3; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    team.run([&](int64_t thread) { ++calls[static_cast<size_t>(thread)]; });
  }
  EXPECT_EQ(calls, std::vector<int>(3, 3));
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
