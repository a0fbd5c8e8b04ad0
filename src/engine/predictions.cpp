// SPDX-License-Identifier: Apache-2.0
// Each row of logits belongs to the token after it.
#include "engine/predictions.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/exp_double.h"

namespace brt {

void read_predicted(Engine& engine,
                    StreamState& state,
                    std::span<const int32_t> tokens,
                    const std::function<void(int32_t, std::span<const float>)>& visit) {
  if (tokens.empty()) {
    return;
  }
  visit(tokens[0], state.logits());
  const size_t vocab_size = static_cast<size_t>(engine.config().vocab_size);
  Feed feed;
  feed.state = &state;
  feed.tokens = tokens;
  feed.visit = [&](int64_t first, int64_t rows, const float* logits_MV) {
    for (int64_t row = 0; row < rows; ++row) {
      const size_t next = static_cast<size_t>(first + row) + 1;
      if (next < tokens.size()) {  // the last row predicts what comes with the next call
        visit(tokens[next], {logits_MV + static_cast<size_t>(row) * vocab_size, vocab_size});
      }
    }
  };
  engine.feed(std::span<Feed>(&feed, 1));
}

double token_nats(std::span<const float> logits_V, int32_t token) {
  float largest = -std::numeric_limits<float>::infinity();
  for (const float logit : logits_V) {
    largest = std::max(largest, logit);
  }
  const double top = static_cast<double>(largest);
  constexpr size_t kLanes = 8;  // sums side by side, so that the loop can be vectorized
  std::array<double, kLanes> sums = {};
  size_t i = 0;
  for (; i + kLanes <= logits_V.size(); i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      sums[lane] += exp_of_nonpositive(static_cast<double>(logits_V[i + lane]) - top);
    }
  }
  double sum = 0.0;
  for (; i < logits_V.size(); ++i) {
    sum += exp_of_nonpositive(static_cast<double>(logits_V[i]) - top);
  }
  for (const double lane : sums) {
    sum += lane;
  }
  return std::log(sum) + top - static_cast<double>(logits_V[static_cast<size_t>(token)]);
}

}  // namespace brt
