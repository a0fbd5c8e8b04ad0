// SPDX-License-Identifier: Apache-2.0
// Delays of threads, where the system tells them.
#include "base/core_delay.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "support/one_core.h"

namespace brt {
namespace {

using std::chrono::milliseconds;

bool is_told() {
  const int64_t own = thread_number();
  return core_delay({&own, 1}).has_value();
}

TEST(CoreDelay, EveryThreadHasItsOwnNumberAmongThoseOfTheProcess) {
  if (process_threads().empty()) {
    GTEST_SKIP() << "the system does not list threads";
  }
  int64_t other = 0;
  std::vector<int64_t> during;
  std::thread([&] {
    other = thread_number();
    during = process_threads();
  }).join();
  EXPECT_NE(other, thread_number());
  EXPECT_TRUE(std::ranges::count(during, other) == 1);
  EXPECT_TRUE(std::ranges::count(during, thread_number()) == 1);
}

TEST(CoreDelay, OfThreadsThatAreNotThereIsUnknown) {
  const int64_t none = int64_t{1} << 40;
  EXPECT_FALSE(core_delay({&none, 1}).has_value());
  EXPECT_FALSE(core_delay({}).has_value());
}

TEST(CoreDelay, GrowsWhenTwoThreadsShareACore) {
  if (!is_told()) {
    GTEST_SKIP() << "the system does not tell delays";
  }
  const OneCore alone;
  std::atomic<bool> is_done = false;
  std::atomic<int64_t> number = 0;
  std::thread other([&] {  // inherits the one core
    number = thread_number();
    while (!is_done) {
    }
  });
  DelayWindow window;
  const std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  while (number == 0) {
    std::this_thread::yield();
  }
  const std::vector<int64_t> threads = {thread_number(), number};
  EXPECT_EQ(window.end(threads), 0.0) << "of the first window nothing is known";
  while (std::chrono::steady_clock::now() < start + milliseconds(300)) {
  }
  EXPECT_TRUE(window.add(milliseconds(300)));
  EXPECT_GT(window.end(threads), 0.3);
  is_done = true;
  other.join();
}

TEST(DelayWindow, IsLongEnoughAfterSomeWork) {
  DelayWindow window;
  EXPECT_FALSE(window.add(milliseconds(1)));
  EXPECT_TRUE(window.add(milliseconds(200)));
  window.end({});
  EXPECT_FALSE(window.add(milliseconds(1)));
}

TEST(DelayWindow, IsNotJudgedWhenOtherThreadsWorkedBefore) {
  DelayWindow window;
  const int64_t own = thread_number();
  window.end({});
  window.add(milliseconds(1));
  EXPECT_EQ(window.end({&own, 1}), 0.0);
}

}  // namespace
}  // namespace brt
