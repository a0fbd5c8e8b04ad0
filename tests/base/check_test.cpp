// SPDX-License-Identifier: Apache-2.0
// Assertions end the program in builds that have them, and cost nothing in the others.
#include "base/check.h"

#include <gtest/gtest.h>

namespace brt {
namespace {

int evaluations = 0;

bool counted(bool value) {
  ++evaluations;
  return value;
}

TEST(Assertion, LetsATrueConditionPass) { BRT_ASSERT(counted(true)); }

#if defined(BRT_ASSERTIONS)
TEST(AssertionDeathTest, NamesItsPlaceAndConditionAndAborts) {
  EXPECT_DEATH(BRT_ASSERT(counted(false)),
               "check_test\\.cpp:[0-9]+: assertion failed: counted\\(false\\)");
}

TEST(AssertionDeathTest, EvaluatesItsConditionOnce) {
  evaluations = 0;
  BRT_ASSERT(counted(true));
  EXPECT_EQ(evaluations, 1);
}
#else
TEST(Assertion, IsNotEvaluatedWithoutAssertions) {
  evaluations = 0;
  BRT_ASSERT(counted(false));
  EXPECT_EQ(evaluations, 0);
}
#endif

// The builds that look for faults must look at assertions too.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
TEST(Assertion, IsOnInSanitizerBuilds) {
#if defined(BRT_ASSERTIONS)
  constexpr bool kIsOn = true;
#else
  constexpr bool kIsOn = false;
#endif
  EXPECT_TRUE(kIsOn);
}
#endif

}  // namespace
}  // namespace brt
