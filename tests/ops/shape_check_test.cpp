// SPDX-License-Identifier: Apache-2.0
// Messages of shape checks.
#include "ops/shape_check.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "support/tensors.h"

namespace brt {
namespace {

TEST(ShapeCheck, AcceptsEqualSizesAndAnySizeForMinusOne) {
  EXPECT_NO_THROW(check_shape("op", "x", at::zeros({2, 3}), {2, 3}));
  EXPECT_NO_THROW(check_shape("op", "x", at::zeros({2, 0}), {-1, -1}));
  EXPECT_NO_THROW(check_shape("op", "x", at::zeros({}), {}));
}

TEST(ShapeCheck, SaysWhatWasExpectedAndWhatCame) {
  const auto message = [](const at::Tensor& tensor) {
    return message_of<ShapeError>([&] { check_shape("op", "keys", tensor, {4, -1, 8}); });
  };
  EXPECT_EQ(message(at::zeros({4, 5, 7})), "op: keys must be [4, *, 8], got [4, 5, 7]");
  EXPECT_EQ(message(at::zeros({4, 8})), "op: keys must be [4, *, 8], got [4, 8]");
  EXPECT_EQ(message(at::Tensor()), "op: keys must be [4, *, 8], got an undefined tensor");
}

}  // namespace
}  // namespace brt
