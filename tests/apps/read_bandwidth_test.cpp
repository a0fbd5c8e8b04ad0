// SPDX-License-Identifier: Apache-2.0
// A measurement is a positive number of bytes a second that hardware can have.
#include "read_bandwidth.h"

#include <gtest/gtest.h>

namespace brt {
namespace {

TEST(ReadBandwidth, IsPossibleForAnyBuffer) {
  for (const int64_t bytes : {int64_t{1}, int64_t{64}, int64_t{100'000}, int64_t{8} << 20}) {
    ReadBandwidth memory(bytes, /*threads=*/2);
    for (int repetition = 0; repetition < 2; ++repetition) {
      const double bytes_per_second = memory.measure();
      EXPECT_GT(bytes_per_second, 1e3) << bytes;
      EXPECT_LT(bytes_per_second, 1e14) << bytes;
    }
  }
}

}  // namespace
}  // namespace brt
