// SPDX-License-Identifier: Apache-2.0
// A document of millions of tokens, read one at a time; `make test-long` runs it.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <span>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "config/presets.h"
#include "engine/engine_cases.h"

namespace brt {
namespace {

int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  int64_t total = 0;
  int64_t resident = 0;
  file >> total >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

/// BRT_LONG_TOKENS, or 10^6.
int64_t long_tokens() {
  const char* text = std::getenv("BRT_LONG_TOKENS");
  return text == nullptr ? 1'000'000 : std::max<int64_t>(std::atoll(text), 200'000);
}

/// Median seconds of a token over `count` tokens.
double median_latency(Engine& engine, StreamState& state, int64_t count, SeededRandom& random) {
  std::vector<double> seconds;
  for (int64_t i = 0; i < count; ++i) {
    const int32_t token = static_cast<int32_t>(random.below(257));
    const std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
    engine.feed(state, {&token, 1});
    seconds.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::ranges::nth_element(seconds, seconds.begin() + count / 2);
  return seconds[static_cast<size_t>(count / 2)];
}

/// Every cache, every state and the logits.
bool is_finite(const StreamState& state, const ModelConfig& config) {
  const auto all_finite = [](std::span<const float> values) {
    return !values.empty() && std::ranges::all_of(values, [](float v) { return std::isfinite(v); });
  };
  bool finite = all_finite(state.logits());
  for (int64_t layer = 0; layer < config.num_layers; ++layer) {
    finite = finite && all_finite(state.keys(layer)) && all_finite(state.values(layer));
    finite = finite && (!is_recurrent_layer(config, layer) || all_finite(state.state(layer)));
  }
  return finite;
}

TEST(LongStream, DISABLED_MemoryStaysFlatAndTokensAsFast) {
  ModelConfig config = make_preset("rec-fixed-skip", "tiny");
  config.vocab_size = 257;
  const TinyModelFolder folder(config, 3);
  Engine engine(folder.path(), {.threads = 1});
  StreamState state = engine.begin();
  SeededRandom random(5);
  const int64_t tokens = long_tokens();
  const int64_t part = tokens / 100;
  const double first = median_latency(engine, state, part, random);
  while (state.tokens_read() < 100'000) {
    median_latency(engine, state, 100'000 - state.tokens_read(), random);
  }
  const int64_t memory = resident_bytes();
  while (state.tokens_read() < tokens - part) {
    const int32_t token = static_cast<int32_t>(random.below(257));
    engine.feed(state, {&token, 1});
  }
  const double last = median_latency(engine, state, part, random);
  const int64_t growth = resident_bytes() - memory;
  EXPECT_EQ(state.tokens_read(), tokens);
  EXPECT_LE(growth, int64_t{1} << 20);
  EXPECT_NEAR(last, first, 0.03 * first) << "the machine must be quiet";
  EXPECT_TRUE(is_finite(state, engine.config()));
  std::printf(
      "%lld tokens: %lld bytes more after the first 100000, p50 of the first 1 %%: %.3f us, "
      "of the last: %.3f us (%+.2f %%)\n",
      static_cast<long long>(tokens), static_cast<long long>(growth), 1e6 * first, 1e6 * last,
      100.0 * (last / first - 1.0));
}

}  // namespace
}  // namespace brt
