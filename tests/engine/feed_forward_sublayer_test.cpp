// SPDX-License-Identifier: Apache-2.0
// The feed-forward half of a layer against its formula.
#include "engine/feed_forward_sublayer.h"

#include <vector>

#include <gtest/gtest.h>

#include "engine/packed_case.h"
#include "support/tolerance.h"

namespace brt {
namespace {

/// Rows behind the sublayer of a step of `count` tokens.
std::vector<float> computed_rows(PackedCase& model, int64_t count) {
  StreamState state = model.engine.begin();
  Step step(model.model, model.team, count, 1);
  const std::vector<int32_t> all = random_tokens(count, 2);
  const std::vector<StepTokens> tokens = {{&state, all}};
  step.begin(tokens);
  model.team.run([&](int64_t thread) { add_feed_forward(step, 0, thread); });
  return {step.x(), step.x() + count * 16};
}

TEST(FeedForwardSublayer, AddsTheNetworkOfTheNorm) {
  PackedCase model(one_layer_config(/*window=*/7, /*is_recurrent=*/false));
  const PlainRows embedding = PlainWeights(model.folder.path()).rows("embedding.weight");
  for (const int64_t count : {int64_t{1}, int64_t{6}}) {
    const std::vector<float> rows = computed_rows(model, count);
    const std::vector<int32_t> tokens = random_tokens(count, 2);
    for (int64_t row = 0; row < count; ++row) {
      const size_t token = static_cast<size_t>(tokens[static_cast<size_t>(row)]);
      EXPECT_LT(worst_error(plain_row(rows.data() + row * 16, 16),
                            model.plain().feed_forward(0, embedding[token])),
                tolerance::kFloat32);
    }
  }
}

TEST(FeedForwardSublayer, ThreadsDoNotChangeABit) {
  for (const WeightFormat format : {WeightFormat::kBfloat16, WeightFormat::kInt8}) {
    ModelConfig config = one_layer_config(/*window=*/7, /*is_recurrent=*/false);
    config.ffn_width = 150;  // three panels
    PackedCase one(config, format, 1);
    PackedCase three(config, format, 3);
    for (const int64_t count : {int64_t{1}, int64_t{6}}) {
      EXPECT_EQ(computed_rows(one, count), computed_rows(three, count)) << to_word(format);
    }
  }
}

}  // namespace
}  // namespace brt
