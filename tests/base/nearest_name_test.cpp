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

TEST(NearestName, OfNothingIsNothing) { EXPECT_EQ(nearest_name("", kNames), ""); }

TEST(NearestName, TwoNeighboursExchangedAreOneSlip) {
  EXPECT_EQ(nearest_name("josn", std::vector<std::string>{"json"}), "json");
  EXPECT_EQ(nearest_name("trian", std::vector<std::string>{"bean", "train"}), "train");
}

TEST(NearestName, IsEmptyWhereEveryNameIsTooFar) {
  const std::vector<std::string> verbs = {"prepare", "train", "eval", "score", "state", "bench"};
  for (const char* far : {"help", "serve", "lr", "q", "a name of many characters"}) {
    EXPECT_EQ(nearest_name(far, verbs), "") << far;
  }
  EXPECT_EQ(nearest_name("batch_size", std::vector<std::string>{"lanes", "max_size", "type"}), "");
}

TEST(NearestName, APartOfANameIsEnough) {
  const std::vector<std::string> names = {"eval", "temperature", "vocab_size"};
  EXPECT_EQ(nearest_name("temp", names), "temperature");
  EXPECT_EQ(nearest_name("vocab", names), "vocab_size");
  EXPECT_EQ(nearest_name("evaluate", names), "eval");
  EXPECT_EQ(nearest_name("te", names), "");
}

TEST(NearestName, ALongNameTakesNoTime) {
  EXPECT_EQ(nearest_name(std::string(50'000'000, 'a'), kNames), "");
}

}  // namespace
}  // namespace brt
