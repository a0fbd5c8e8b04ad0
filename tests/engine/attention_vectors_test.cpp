// SPDX-License-Identifier: Apache-2.0
// Keys and queries of unit length, or scaled.
#include "engine/attention_vectors.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "engine/plain_model.h"
#include "support/tolerance.h"

namespace brt {
namespace {

const std::vector<float> kVector = {3.0F, -4.0F, 0.5F, 12.0F, 1.0F};

ModelConfig vector_config(bool unit_attention) {
  ModelConfig config;
  config.head_size = 5;
  config.unit_attention = unit_attention;
  return config;
}

TEST(AttentionVectors, KeysAndQueriesHaveUnitLength) {
  std::vector<float> key(5);
  std::vector<float> query(5);
  make_key(vector_config(true), kVector.data(), key.data());
  make_query(vector_config(true), kVector.data(), query.data());
  const PlainVector wanted = plain_unit({kVector.begin(), kVector.end()});
  EXPECT_LT(worst_error(key, wanted), tolerance::kFloat32);
  EXPECT_EQ(key, query);
}

TEST(AttentionVectors, WithoutUnitAttentionQueriesAreScaledAndKeysAreNot) {
  std::vector<float> key(5);
  std::vector<float> query(5);
  make_key(vector_config(false), kVector.data(), key.data());
  make_query(vector_config(false), kVector.data(), query.data());
  EXPECT_EQ(key, kVector);
  for (size_t k = 0; k < 5; ++k) {
    EXPECT_FLOAT_EQ(query[k], kVector[k] / std::sqrt(5.0F));
  }
}

TEST(AttentionVectors, AZeroVectorStaysZero) {
  const std::vector<float> zero(5, 0.0F);
  std::vector<float> key(5, 1.0F);
  make_key(vector_config(true), zero.data(), key.data());
  EXPECT_EQ(key, zero);
}

}  // namespace
}  // namespace brt
