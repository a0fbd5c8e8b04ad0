// SPDX-License-Identifier: Apache-2.0
// The T5 buckets of distances.
#include "config/position_bucket.h"

#include <algorithm>
#include <cmath>

#include "base/portable_math.h"

namespace brt {

int64_t position_bucket(int64_t distance, int64_t num_buckets, int64_t max_distance) {
  const int64_t exact = num_buckets / 2;
  if (distance < exact) {
    return distance;
  }
  const double octaves =
      portable_log(static_cast<double>(distance) / static_cast<double>(exact)) /
      portable_log(static_cast<double>(max_distance) / static_cast<double>(exact));
  const double bucket = std::floor(octaves * static_cast<double>(num_buckets - exact));
  return std::min(exact + static_cast<int64_t>(bucket), num_buckets - 1);
}

std::vector<int64_t> window_buckets(int64_t window, int64_t num_buckets, int64_t max_distance) {
  std::vector<int64_t> bucket_W;
  for (int64_t distance = window; distance >= 1; --distance) {
    bucket_W.push_back(position_bucket(distance, num_buckets, max_distance));
  }
  return bucket_W;
}

}  // namespace brt
