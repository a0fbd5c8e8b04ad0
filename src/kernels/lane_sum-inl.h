// SPDX-License-Identifier: Apache-2.0
// Sums in 16 lanes, which compilers turn into vectors without leave to reorder additions.
#pragma once

#include <cstdint>

namespace brt::kernels {
namespace {

constexpr int64_t kSumLanes = 16;  // float32 in one AVX-512 register

/// The lanes' sum, joined in halves; their values are lost.
inline __attribute__((always_inline)) float join_lanes(float (&lanes)[kSumLanes]) {
  for (int64_t half = kSumLanes / 2; half > 0; half /= 2) {
    for (int64_t lane = 0; lane < half; ++lane) {
      lanes[lane] += lanes[lane + half];
    }
  }
  return lanes[0];
}

/// sum of term(i) over [0, count): lane l takes i = l, l + 16, ...; then the lanes are joined in
/// halves. The order is the same for every CPU target.
template <class Term>
inline __attribute__((always_inline)) float lane_sum(int64_t count, const Term& term) {
  float lanes[kSumLanes] = {};
  int64_t i = 0;
  for (; i + kSumLanes <= count; i += kSumLanes) {
    for (int64_t lane = 0; lane < kSumLanes; ++lane) {
      lanes[lane] += term(i + lane);
    }
  }
  for (int64_t lane = 0; i + lane < count; ++lane) {
    lanes[lane] += term(i + lane);
  }
  return join_lanes(lanes);
}

}  // namespace
}  // namespace brt::kernels
