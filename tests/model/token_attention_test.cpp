// SPDX-License-Identifier: Apache-2.0
// Heads, projections and positions of token attention.
#include "model/token_attention.h"

#include <gtest/gtest.h>

#include "model/model_fixtures.h"
#include "support/tolerance.h"

namespace brt {
namespace {

TokenAttention random_attention(const ModelConfig& config, bool attends_to_states) {
  TokenAttention attention(config, attends_to_states);
  const at::NoGradGuard no_gradient;
  uint64_t seed = 1;
  for (at::Tensor& parameter : attention->parameters()) {
    parameter.copy_(random_tensor(parameter.sizes(), seed++));
  }
  return attention;
}

TEST(TokenAttention, SplitsFeaturesHeadByHead) {
  const ModelConfig config = tiny_config("slide");
  const at::Tensor joined = at::arange(8, at::kFloat).view({1, 8});
  const at::Tensor heads = split_heads(joined, config);
  EXPECT_EQ(heads.sizes(), at::IntArrayRef({1, 2, 4}));
  EXPECT_EQ(heads[0][1][0].item<double>(), 4.0);
}

TEST(TokenAttention, UnitAttentionMakesKeysAndQueriesUnitLength) {
  const ModelConfig config = tiny_config("slide");
  const at::Tensor joined = random_tensor({3, 8}, 1, at::kFloat);
  EXPECT_TRUE(near(unit_heads(joined, config).norm(2, -1), at::ones({3, 2}), 1e-4));
  EXPECT_TRUE(bit_equal(query_heads(joined, config), unit_heads(joined, config)));
}

TEST(TokenAttention, PlainAttentionLeavesKeysAndHalvesQueriesOfFour) {
  ModelConfig config = tiny_config("slide");
  config.unit_attention = false;
  const at::Tensor joined = random_tensor({3, 8}, 1, at::kFloat);
  EXPECT_TRUE(bit_equal(unit_heads(joined, config), joined.view({3, 2, 4})));
  EXPECT_TRUE(bit_equal(query_heads(joined, config), joined.view({3, 2, 4}) * 0.5));
}

TEST(TokenAttention, OnlyReadersOfStatesProjectASecondQuery) {
  const at::NoGradGuard no_gradient;
  const ModelConfig config = tiny_config("rec-fixed-skip");
  const at::Tensor normed = random_tensor({2, 3, 6}, 9, at::kFloat);
  TokenAttention plain = random_attention(config, /*attends_to_states=*/false);
  TokenAttention reader = random_attention(config, /*attends_to_states=*/true);
  EXPECT_FALSE(plain->project(normed, {}).cross_query_BNHK.defined());
  EXPECT_EQ(reader->project(normed, {}).cross_query_BNHK.sizes(), at::IntArrayRef({2, 3, 2, 4}));
  EXPECT_EQ(plain->output->weight.sizes(), at::IntArrayRef({6, 8}));
  EXPECT_EQ(reader->output->weight.sizes(), at::IntArrayRef({6, 16}));
}

TEST(TokenAttention, PartsOfABlockEqualTheWholeForEveryPosition) {
  const at::NoGradGuard no_gradient;
  for (const PositionType position :
       {PositionType::kT5, PositionType::kNone, PositionType::kRotary}) {
    ModelConfig config = tiny_config("slide");
    config.position = position;
    TokenAttention attention = random_attention(config, false);
    const at::Tensor query = random_tensor({2, 3, 2, 4}, 1, at::kFloat);
    const at::Tensor keys = random_tensor({2, 6, 2, 4}, 2, at::kFloat);
    const at::Tensor values = random_tensor({2, 6, 2, 4}, 3, at::kFloat);
    const at::Tensor whole = attention->self_attention(query, keys, values, {}, {});
    for (int64_t i = 0; i < 3; ++i) {
      const at::Tensor part = attention->self_attention(
          query.narrow(1, i, 1), keys.narrow(1, 0, 4 + i), values.narrow(1, 0, 4 + i), {}, {});
      EXPECT_TRUE(near(part, whole.narrow(1, i, 1), tolerance::kFloat32));
    }
  }
}

}  // namespace
}  // namespace brt
