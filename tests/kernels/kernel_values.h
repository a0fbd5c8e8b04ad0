// SPDX-License-Identifier: Apache-2.0
// Seeded values in the types of kernels, and a fixture that runs on each CPU target.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/bfloat16.h"
#include "kernels/cpu_target.h"

namespace brt::kernels {

/// Forces the parameter's target for the time of a test.
class OnEachTarget : public testing::TestWithParam<CpuTarget> {
 protected:
  void SetUp() override { force_cpu_target(GetParam()); }
  void TearDown() override { force_cpu_target(supported_targets().back()); }
};

inline std::string target_name(const testing::TestParamInfo<CpuTarget>& target) {
  return std::string(to_word(target.param));
}

/// Normal numbers of a seed, rounded to T.
template <class T>
std::vector<T> normal_values(int64_t size, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  std::vector<T> values(static_cast<size_t>(size));
  for (T& value : values) {
    from_float(normal(random), value);
  }
  return values;
}

/// Half a unit in the last place, relative to the value.
inline double rounding_of(const float* /*type*/) { return 0x1p-24; }
inline double rounding_of(const Bfloat16* /*type*/) { return 0x1p-8; }

}  // namespace brt::kernels
