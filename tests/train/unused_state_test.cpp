// SPDX-License-Identifier: Apache-2.0
// When a recurrent state counts as unused.
#include "train/unused_state.h"

#include <cmath>

#include <gtest/gtest.h>

namespace brt {
namespace {

TEST(UnusedState, EvaluationsWithoutADifferenceAreCountedInARow) {
  EXPECT_EQ(count_unused_state(0, 2.0, 2.0), 1);
  EXPECT_EQ(count_unused_state(1, 2.0, 2.0001), 2);
  EXPECT_EQ(count_unused_state(2, 2.0, 2.001), 0);
  EXPECT_EQ(count_unused_state(2, 2.0, 1.999), 0);
  EXPECT_EQ(count_unused_state(2, std::nan(""), std::nan("")), 0);
}

TEST(UnusedState, WhatWasToldIsNotToldAgain) {
  EXPECT_EQ(count_unused_state(kLongUnused, 2.0, 1.0), kLongUnused);
}

}  // namespace
}  // namespace brt
