// SPDX-License-Identifier: Apache-2.0
// Tokens with the logits that predict them, and their bits.
#include "engine/predictions.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "engine/engine_cases.h"
#include "engine/random_floats.h"

namespace brt {
namespace {

TEST(Predictions, NatsAreThoseOfTheFullSoftmax) {
  for (const int64_t count : {1, 7, 8, 261}) {
    std::vector<float> logits = random_floats(count, 1);
    for (float& logit : logits) {
      logit *= 20.0F;
    }
    double sum = 0.0;
    for (const float logit : logits) {
      sum += std::exp(static_cast<double>(logit));
    }
    for (const int64_t token : {int64_t{0}, count / 2, count - 1}) {
      const double wanted = std::log(sum) - static_cast<double>(logits[static_cast<size_t>(token)]);
      EXPECT_NEAR(token_nats(logits, static_cast<int32_t>(token)), wanted, 1e-11);
    }
  }
}

TEST(Predictions, LogitsFarApartDoNotOverflow) {
  const std::vector<float> logits = {3e38F, -3e38F, 0.0F};
  EXPECT_EQ(token_nats(logits, 0), 0.0);
  EXPECT_GT(token_nats(logits, 2), 1e38);
}

TEST(Predictions, EachTokenComesWithTheLogitsOfTheTokensBefore) {
  Engine& engine = tiny_engine();
  const std::vector<int32_t> tokens = random_tokens(11, 2, 257);
  StreamState state = engine.begin();
  StreamState slow = engine.begin();
  std::vector<int32_t> visited;
  const auto visit = [&](int32_t token, std::span<const float> logits_V) {
    EXPECT_EQ(logits_V.empty(), visited.empty());  // nothing predicts a document's first token
    EXPECT_TRUE(std::ranges::equal(logits_V, slow.logits()));
    visited.push_back(token);
    engine.feed(slow, {&token, 1});
  };
  read_predicted(engine, state, {}, visit);
  EXPECT_TRUE(visited.empty());
  // The engine is not to be called within a visit: the logits of one call are kept.
  std::vector<std::pair<int32_t, std::vector<float>>> seen;
  const auto keep = [&](int32_t token, std::span<const float> logits_V) {
    seen.emplace_back(token, std::vector<float>(logits_V.begin(), logits_V.end()));
  };
  read_predicted(engine, state, std::span(tokens).first(6), keep);
  read_predicted(engine, state, std::span(tokens).subspan(6), keep);
  for (const auto& [token, logits_V] : seen) {
    visit(token, logits_V);
  }
  EXPECT_EQ(visited, tokens);
  EXPECT_TRUE(std::ranges::equal(state.logits(), slow.logits()));
}

}  // namespace
}  // namespace brt
