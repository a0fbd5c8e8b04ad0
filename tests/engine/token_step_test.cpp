// SPDX-License-Identifier: Apache-2.0
// Whole steps of one layer, and of more, against the plain formulas.
#include "engine/token_step.h"

#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/packed_case.h"

namespace brt {
namespace {

constexpr double kLimit = 5e-5;

std::map<std::string, ModelConfig> step_configs() {
  std::map<std::string, ModelConfig> configs;
  configs["slide"] = one_layer_config(/*window=*/6, false);
  configs["recurrent"] = one_layer_config(/*window=*/6, true);
  configs["rotary"] = one_layer_config(/*window=*/6, true);
  configs["rotary"].position = PositionType::kRotary;
  configs["masked"] = one_layer_config(/*window=*/6, true);
  configs["masked"].mask_empty_cache = true;
  ModelConfig& feedback = configs["feedback"] = case_config(/*window=*/6, /*num_states=*/5);
  feedback.num_layers = 3;
  feedback.recurrent_layers = {0, 1};
  feedback.feedback = true;
  return configs;
}

TEST(TokenStep, LogitsAreThoseOfTheFormulas) {
  for (const auto& [name, config] : step_configs()) {
    PackedCase model(config);
    const std::unique_ptr<TokenStep> step =
        TokenStep::make(model.model, model.layout, model.team, /*max_rows=*/8,
                        /*max_logits_rows=*/2);
    StreamState state = model.engine.begin();
    PlainModel plain = model.plain();
    for (const int32_t token : random_tokens(15, 1)) {
      const std::vector<StepTokens> tokens = {{&state, {&token, 1}}};
      step->run(tokens);
      const std::vector<int64_t> rows = {0};
      const float* logits_V = step->logits(rows);
      EXPECT_LT(worst_error(plain_row(logits_V, 261), plain.read(token)), kLimit)
          << name << ", token " << state.tokens_read();
    }
    EXPECT_EQ(state.tokens_read(), 15);
  }
}

TEST(TokenStep, RowsOfSeveralStreamsStandInOrder) {
  PackedCase model(step_configs().at("recurrent"));
  const std::unique_ptr<TokenStep> step =
      TokenStep::make(model.model, model.layout, model.team, /*max_rows=*/8, /*max_logits_rows=*/3);
  std::vector<StreamState> states(2, model.engine.begin());
  const std::vector<int32_t> first = random_tokens(3, 2);
  const std::vector<int32_t> second = random_tokens(4, 3);
  const std::vector<StepTokens> tokens = {{&states[0], first}, {&states[1], second}};
  step->run(tokens);
  const std::vector<int64_t> rows = {6, 0, 3};  // the last of the second, the first of both
  const float* logits_RV = step->logits(rows);
  PlainModel plain_first = model.plain();
  PlainModel plain_second = model.plain();
  EXPECT_LT(worst_error(plain_row(logits_RV + 261, 261), plain_first.read(first[0])), kLimit);
  EXPECT_LT(worst_error(plain_row(logits_RV + 2 * 261, 261), plain_second.read(second[0])), kLimit);
  PlainVector last;
  for (const int32_t token : std::span(second).subspan(1)) {
    last = plain_second.read(token);
  }
  EXPECT_LT(worst_error(plain_row(logits_RV, 261), last), kLimit);
}

}  // namespace
}  // namespace brt
