// SPDX-License-Identifier: Apache-2.0
// "Did you mean".
#include "base/nearest_name.h"

#include <vector>

#include <gtest/gtest.h>

namespace brt {
namespace {

const std::vector<std::string> kNames = {"width", "window", "num_heads", "lanes"};

TEST(NearestName, FindsTheNameBehindATypo) {
  EXPECT_EQ(nearest_name("widht", kNames), "width");
  EXPECT_EQ(nearest_name("windo", kNames), "window");
  EXPECT_EQ(nearest_name("numheads", kNames), "num_heads");
  EXPECT_EQ(nearest_name("planes", kNames), "lanes");
}

TEST(NearestName, OfAKnownNameIsItself) {
  for (const std::string& name : kNames) {
    EXPECT_EQ(nearest_name(name, kNames), name);
  }
}

TEST(NearestName, TakesTheFirstOfEquallyNearNames) {
  EXPECT_EQ(nearest_name("ac", std::vector<std::string>{"ab", "ad"}), "ab");
}

TEST(NearestName, IsEmptyWhereNothingIsKnown) { EXPECT_EQ(nearest_name("x", {}), ""); }

TEST(NearestName, OfNothingIsTheShortest) { EXPECT_EQ(nearest_name("", kNames), "width"); }

}  // namespace
}  // namespace brt
