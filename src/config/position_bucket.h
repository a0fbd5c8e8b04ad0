// SPDX-License-Identifier: Apache-2.0
// Which entry of the position bias's table belongs to a distance.
#pragma once

#include <cstdint>
#include <vector>

namespace brt {

/// Bucket of a distance n = query position - key position, n >= 0 (one-directional T5 buckets).
///
///   n < U/2: n     else  U/2 + floor(log(n / (U/2)) / log(max_distance / (U/2)) * U/2), at most
///   U-1
///
/// model.md, "Position bias"; after T5 (Raffel et al., 2020).
int64_t position_bucket(int64_t distance, int64_t num_buckets, int64_t max_distance);

/// The buckets of the W keys that every token sees, oldest first: of the distances W, ..., 1.
std::vector<int64_t> window_buckets(int64_t window, int64_t num_buckets, int64_t max_distance);

}  // namespace brt
