// SPDX-License-Identifier: Apache-2.0
// The attention half of a layer against its formula.
#include "engine/attention_sublayer.h"

#include <vector>

#include <gtest/gtest.h>

#include "engine/packed_case.h"
#include "support/tolerance.h"

namespace brt {
namespace {

/// Rows behind the sublayer: the first `count` tokens of a document in one step.
std::vector<float> computed_rows(PackedCase& model, int64_t count) {
  StreamState state = model.engine.begin();
  Step step(model.model, model.team, count, 1);
  const StreamAttention<float> attention(model.model);
  std::vector<AlignedBuffer> scratch(static_cast<size_t>(model.team.most()),
                                     AlignedBuffer(attention.scratch_bytes()));
  const std::vector<int32_t> all = random_tokens(count, 2);
  const std::vector<StepTokens> tokens = {{&state, all}};
  step.begin(tokens);
  model.team.run([&](int64_t thread) {
    add_attention(step, attention, 0, thread, scratch[static_cast<size_t>(thread)].data());
  });
  return {step.x(), step.x() + count * 16};
}

TEST(AttentionSublayer, AddsTheProjectedAttentionOfTheNorm) {
  PackedCase model(one_layer_config(/*window=*/7, /*is_recurrent=*/false));
  const PlainRows embedding = PlainWeights(model.folder.path()).rows("embedding.weight");
  const std::vector<float> rows = computed_rows(model, 6);
  const std::vector<int32_t> tokens = random_tokens(6, 2);
  PlainModel plain = model.plain();
  for (size_t row = 0; row < 6; ++row) {
    const PlainVector wanted = plain.attention(0, embedding[static_cast<size_t>(tokens[row])]);
    plain.end_token();
    EXPECT_LT(worst_error(std::span(rows).subspan(row * 16, 16), wanted), tolerance::kFloat32)
        << row;
  }
}

TEST(AttentionSublayer, ThreadsDoNotChangeABit) {
  ModelConfig whole_panels = one_layer_config(/*window=*/7, /*is_recurrent=*/false);
  whole_panels.num_heads = 2;
  whole_panels.head_size = 64;  // each of two threads makes the heads that it attends with
  for (const ModelConfig& config : {one_layer_config(7, false), whole_panels}) {
    PackedCase one(config, WeightFormat::kFloat32, 1);
    PackedCase two(config, WeightFormat::kFloat32, 2);
    for (const int64_t count : {int64_t{1}, int64_t{6}}) {
      EXPECT_EQ(computed_rows(one, count), computed_rows(two, count));
    }
  }
}

}  // namespace
}  // namespace brt
