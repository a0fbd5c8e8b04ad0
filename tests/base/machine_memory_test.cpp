// SPDX-License-Identifier: Apache-2.0
#include "base/machine_memory.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace brt {
namespace {

TEST(MachineMemory, IsMoreThanThisProgramTakesAndNoMoreThanItsLimit) {
  const int64_t whole = machine_memory();
  EXPECT_GT(whole, int64_t{1} << 24);
  rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_AS, &before), 0);
  rlimit limit = before;
  limit.rlim_cur = static_cast<rlim_t>(whole / 2);
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &limit), 0);
  EXPECT_EQ(machine_memory(), whole / 2);
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &before), 0);
}

}  // namespace
}  // namespace brt
