// SPDX-License-Identifier: Apache-2.0
// Scratch that belongs to a thread.
#include "kernels/thread_scratch.h"

#include <cstdint>
#include <cstring>
#include <thread>

#include <gtest/gtest.h>

namespace brt::kernels {
namespace {

TEST(ThreadScratch, IsAlignedAndStaysUntilMoreIsAskedFor) {
  std::thread([] {
    char* const small = thread_scratch(100);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(small) % 64, 0U);
    EXPECT_EQ(thread_scratch(64), small);
    EXPECT_EQ(thread_scratch(100), small);
    char* const large = thread_scratch(int64_t{1} << 20);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(large) % 64, 0U);
    std::memset(large, 1, size_t{1} << 20);
    EXPECT_EQ(thread_scratch(100), large);
  }).join();
}

TEST(ThreadScratch, NoTwoThreadsShareIt) {
  char* const mine = thread_scratch(100);
  char* theirs = nullptr;
  std::thread([&theirs] { theirs = thread_scratch(100); }).join();
  EXPECT_NE(theirs, mine);
}

}  // namespace
}  // namespace brt::kernels
