// SPDX-License-Identifier: Apache-2.0
// The band of keys that each token sees.
#include "ops/causal_window_mask.h"

#include <gtest/gtest.h>

namespace brt {
namespace {

TEST(CausalWindowMask, ShowsTheWindowBeforeEachTokenAndNotTheToken) {
  for (const int64_t first : {0, 2}) {
    const BlockRows rows = {.window = 4, .first_row = first, .rows = 4 - first};
    const at::Tensor hidden = causal_window_mask(rows, at::kCPU);
    ASSERT_EQ(hidden.sizes(), at::IntArrayRef({4 - first, 8}));
    for (int64_t i = 0; i < rows.rows; ++i) {
      for (int64_t j = 0; j < 8; ++j) {
        const int64_t distance = 4 + first + i - j;
        EXPECT_EQ(hidden[i][j].item<bool>(), !(distance >= 1 && distance <= 4)) << i << " " << j;
      }
    }
  }
}

}  // namespace
}  // namespace brt
