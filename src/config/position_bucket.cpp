// SPDX-License-Identifier: Apache-2.0
// The T5 bucket of a distance.
#include "config/position_bucket.h"

#include <algorithm>
#include <cmath>

namespace brt {

int64_t position_bucket(int64_t distance, int64_t num_buckets, int64_t max_distance) {
  const int64_t exact = num_buckets / 2;
  if (distance < exact) {
    return distance;
  }
  const double octaves = std::log(static_cast<double>(distance) / static_cast<double>(exact)) /
                         std::log(static_cast<double>(max_distance) / static_cast<double>(exact));
  const double bucket = std::floor(octaves * static_cast<double>(num_buckets - exact));
  return std::min(exact + static_cast<int64_t>(bucket), num_buckets - 1);
}

}  // namespace brt
