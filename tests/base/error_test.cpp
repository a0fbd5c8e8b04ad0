// SPDX-License-Identifier: Apache-2.0
// Form of errors.
#include "base/error.h"

#include <gtest/gtest.h>

namespace brt {
namespace {

TEST(Error, IsItsMessage) { EXPECT_STREQ(Error("file: gone").what(), "file: gone"); }

TEST(Error, PutsTheHintOnASecondLine) {
  EXPECT_STREQ(ConfigError("train.steps: must be 1 or more", "set train.steps").what(),
               "train.steps: must be 1 or more\nhint: set train.steps");
}

template <class Kind>
class ErrorKind : public testing::Test {};

using Kinds = testing::Types<ConfigError, DataError, ShapeError, CheckpointError>;
TYPED_TEST_SUITE(ErrorKind, Kinds);

TYPED_TEST(ErrorKind, IsCaughtAsError) {
  try {
    throw TypeParam("message", "hint");
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "message\nhint: hint");
  }
}

}  // namespace
}  // namespace brt
