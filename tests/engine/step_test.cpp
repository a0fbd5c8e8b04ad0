// SPDX-License-Identifier: Apache-2.0
// The rows of a step.
#include "engine/step.h"

#include <vector>

#include <gtest/gtest.h>

#include "engine/packed_case.h"
#include "engine/random_floats.h"
#include "support/tolerance.h"

namespace brt {
namespace {

TEST(Step, RowsAreTheEmbeddingsOfTheTokensInOrder) {
  PackedCase model(one_layer_config(/*window=*/7, /*is_recurrent=*/false));
  StreamState first = model.engine.begin();
  StreamState second = model.engine.begin();
  model.engine.feed(second, random_tokens(16, 1));
  Step step(model.model, model.team, /*max_rows=*/8, /*max_logits_rows=*/2);
  const std::vector<int32_t> first_tokens = {3, 200};
  const std::vector<int32_t> second_tokens = {7, 7, 0};
  const std::vector<StepTokens> tokens = {{&first, first_tokens}, {&second, second_tokens}};
  step.begin(tokens);
  EXPECT_EQ(step.rows(), 5);
  const PlainRows embedding = PlainWeights(model.folder.path()).rows("embedding.weight");
  const std::vector<int32_t> all = {3, 200, 7, 7, 0};
  for (int64_t row = 0; row < 5; ++row) {
    EXPECT_EQ(plain_row(step.x() + row * 16, 16),
              embedding[static_cast<size_t>(all[static_cast<size_t>(row)])]);
  }
  ASSERT_EQ(step.streams().size(), 2u);
  EXPECT_EQ(step.streams()[1].state, &second);
  EXPECT_EQ(step.streams()[1].first_row, 2);
  EXPECT_EQ(step.streams()[1].rows, 3);
  EXPECT_EQ(step.streams()[1].position, 2);  // 16 tokens of blocks of 7
}

TEST(Step, PartsOfItsMemoryDoNotMeet) {
  PackedCase model(one_layer_config(/*window=*/7, /*is_recurrent=*/true));
  Step step(model.model, model.team, /*max_rows=*/3, /*max_logits_rows=*/2);
  const int64_t qkv = model.model.layer(0).qkv.columns();
  const std::vector<std::pair<float*, int64_t>> parts = {
      {step.x(), 3 * 16},      {step.qkv(), 3 * qkv},   {step.joined(), 3 * 48},
      {step.hidden(), 3 * 40}, {step.chosen(), 2 * 16}, {step.logits(), 2 * 261},
  };
  for (size_t i = 0; i < parts.size(); ++i) {
    EXPECT_EQ(reinterpret_cast<uint64_t>(parts[i].first) % 64, 0u);
    std::fill_n(parts[i].first, parts[i].second, static_cast<float>(i + 1));
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    const float* part = parts[i].first;
    EXPECT_TRUE(std::all_of(part, part + parts[i].second, [i](float x) {
      return x == static_cast<float>(i + 1);
    })) << i;
  }
}

TEST(Step, AllThreadsTogetherMultiplyAllRows) {
  PackedCase model(one_layer_config(/*window=*/7, /*is_recurrent=*/false), WeightFormat::kFloat32,
                   /*threads=*/3);
  StreamState state = model.engine.begin();
  Step step(model.model, model.team, /*max_rows=*/8, /*max_logits_rows=*/2);
  const std::vector<int32_t> all = {3, 200, 7, 7, 0};
  const std::vector<StepTokens> tokens = {{&state, all}};
  step.begin(tokens);
  model.team.run([&](int64_t thread) {
    const Operand operand = step.operands.plain(step.x(), 5, 16, thread);
    const WeightMatrix& up = model.model.layer(0).up;
    step.multiply(up, operand, step.hidden(), kernels::MatmulOutput::kStoreFloat, thread,
                  step.first_panel(up, thread));
  });
  const PlainRows weight = PlainWeights(model.folder.path()).rows("layers.0.ffn.up.weight");
  for (int64_t row = 0; row < 5; ++row) {
    EXPECT_LT(worst_error(plain_row(step.hidden() + row * 40, 40),
                          project(plain_row(step.x() + row * 16, 16), weight)),
              tolerance::kFloat32);
  }
}

}  // namespace
}  // namespace brt
