// SPDX-License-Identifier: Apache-2.0
// Single keys and values in panels.
#include "engine/panel_cache.h"

#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "engine/random_floats.h"

namespace brt {
namespace {

constexpr int64_t kTokens = 67;
constexpr int64_t kHeadSize = 71;

template <class T>
std::vector<T> rounded_rows(uint64_t seed) {
  std::vector<T> rows;
  for (const float value : random_floats(kTokens * kHeadSize, seed)) {
    rows.emplace_back();
    kernels::from_float(value, rows.back());
  }
  return rows;
}

template <class T>
class PanelCache : public testing::Test {};
using Types = testing::Types<float, kernels::Bfloat16>;
TYPED_TEST_SUITE(PanelCache, Types);

TYPED_TEST(PanelCache, KeysComeBackAndLieAsPackedOnes) {
  const std::vector<TypeParam> rows = rounded_rows<TypeParam>(1);
  const TypeParam* type = nullptr;
  std::vector<TypeParam> panels(
      static_cast<size_t>(kernels::num_panels(kTokens) * kernels::panel_size(kHeadSize, type)));
  std::vector<TypeParam> packed = panels;
  for (int64_t token = kTokens - 1; token >= 0; --token) {
    write_key(panels.data(), kHeadSize, token, rows.data() + token * kHeadSize);
  }
  kernels::PackArgs<TypeParam, TypeParam> args{rows.data(), kHeadSize, packed.data(), kHeadSize,
                                               kTokens};
  kernels::pack_columns(args, 0, kernels::num_panels(kTokens));
  EXPECT_EQ(std::memcmp(panels.data(), packed.data(), packed.size() * sizeof(TypeParam)), 0);
  for (int64_t token = 0; token < kTokens; ++token) {
    std::vector<float> key_K(kHeadSize);
    read_key(panels.data(), kHeadSize, token, key_K.data());
    for (int64_t k = 0; k < kHeadSize; ++k) {
      EXPECT_EQ(key_K[static_cast<size_t>(k)],
                kernels::to_float(rows[static_cast<size_t>(token * kHeadSize + k)]));
    }
  }
}

TYPED_TEST(PanelCache, ValuesComeBackAndLieAsPackedOnes) {
  const std::vector<TypeParam> rows = rounded_rows<TypeParam>(2);
  const TypeParam* type = nullptr;
  std::vector<TypeParam> panels(
      static_cast<size_t>(kernels::num_panels(kHeadSize) * kernels::panel_size(kTokens, type)));
  std::vector<TypeParam> packed = panels;
  for (int64_t token = 0; token < kTokens; ++token) {
    write_value(panels.data(), kHeadSize, kTokens, token, rows.data() + token * kHeadSize);
  }
  kernels::PackArgs<TypeParam, TypeParam> args{rows.data(), kHeadSize, packed.data(), kTokens,
                                               kHeadSize};
  kernels::pack_rows(args, 0, kernels::num_panels(kHeadSize));
  EXPECT_EQ(std::memcmp(panels.data(), packed.data(), packed.size() * sizeof(TypeParam)), 0);
  for (int64_t token = 0; token < kTokens; ++token) {
    std::vector<float> value_K(kHeadSize);
    read_value(panels.data(), kHeadSize, kTokens, token, value_K.data());
    for (int64_t k = 0; k < kHeadSize; ++k) {
      EXPECT_EQ(value_K[static_cast<size_t>(k)],
                kernels::to_float(rows[static_cast<size_t>(token * kHeadSize + k)]));
    }
  }
}

TYPED_TEST(PanelCache, WritingOneLeavesTheOthers) {
  const std::vector<TypeParam> rows = rounded_rows<TypeParam>(3);
  const TypeParam* type = nullptr;
  std::vector<TypeParam> panels(
      static_cast<size_t>(kernels::num_panels(kTokens) * kernels::panel_size(kHeadSize, type)));
  for (const int64_t token : {0, 1, 63, 64}) {
    write_key(panels.data(), kHeadSize, token, rows.data() + token * kHeadSize);
  }
  write_key(panels.data(), kHeadSize, 1, rows.data());
  std::vector<float> key_K(kHeadSize);
  for (const int64_t token : {0, 63, 64}) {
    read_key(panels.data(), kHeadSize, token, key_K.data());
    EXPECT_EQ(key_K.back(),
              kernels::to_float(rows[static_cast<size_t>((token + 1) * kHeadSize - 1)]));
  }
}

}  // namespace
}  // namespace brt
