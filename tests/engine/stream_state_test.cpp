// SPDX-License-Identifier: Apache-2.0
// A stream's state as a value that can be looked at.
#include "engine/stream_state.h"

#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/packed_case.h"
#include "support/tolerance.h"

namespace brt {
namespace {

TEST(StreamState, AnEmptyDocumentHasZeroCachesAndTheLearnedState) {
  PackedCase model(case_config(/*window=*/5));
  const StreamState state = model.engine.begin();
  EXPECT_EQ(state.tokens_read(), 0);
  EXPECT_TRUE(state.logits().empty());
  EXPECT_EQ(state.keys(0), std::vector<float>(5 * 3 * 8, 0.0F));
  EXPECT_EQ(state.values(1), std::vector<float>(5 * 3 * 8, 0.0F));
  EXPECT_TRUE(state.state(0).empty());
  const PlainVector initial =
      PlainWeights(model.folder.path()).vector("layers.1.cell.initial_state");
  EXPECT_TRUE(std::ranges::equal(state.state(1), initial));
}

TEST(StreamState, KeysAreOldestFirstAndOfUnitLength) {
  PackedCase model(case_config(/*window=*/5));
  StreamState whole = model.engine.begin();
  StreamState part = model.engine.begin();
  const std::vector<int32_t> tokens = random_tokens(13, 1);
  model.engine.feed(whole, tokens);
  model.engine.feed(part, std::span(tokens).first(11));
  const std::vector<float> keys = whole.keys(1);
  constexpr size_t kRow = 3 * 8;
  ASSERT_EQ(keys.size(), (5 + 3) * kRow);
  for (size_t begin = 0; begin < keys.size(); begin += 8) {
    const PlainVector key = plain_row(keys.data() + begin, 8);
    EXPECT_NEAR(dot(key, key), 1.0, 1e-4);
  }
  // Two tokens earlier, the same keys stood at the same distance from the first.
  const std::vector<float> earlier = part.keys(1);
  ASSERT_EQ(earlier.size(), (5 + 1) * kRow);
  EXPECT_TRUE(std::equal(earlier.begin(), earlier.end(), keys.begin()));
}

TEST(StreamState, CachesAreOfTheEnginesNumbers) {
  PackedCase floats(case_config(/*window=*/5));
  PackedCase bytes(case_config(/*window=*/5), WeightFormat::kInt8);
  EXPECT_EQ(floats.engine.begin().cache_dtype(), "F32");
  EXPECT_EQ(bytes.engine.begin().cache_dtype(), "BF16");
}

TEST(StreamState, SizeDoesNotGrow) {
  PackedCase model(case_config(/*window=*/5));
  StreamState state = model.engine.begin();
  const auto size = [&state] {
    size_t bytes = 0;
    std::as_const(state).for_each_part(
        [&](const std::string&, std::span<const std::byte> part) { bytes += part.size(); });
    return bytes;
  };
  const size_t empty = size();
  model.engine.feed(state, random_tokens(200, 1));
  EXPECT_EQ(size(), empty);
}

TEST(StreamState, ACopyIsAFork) {
  PackedCase model(case_config(/*window=*/5));
  StreamState state = model.engine.begin();
  model.engine.feed(state, random_tokens(7, 1));
  const std::string before = parts_of(state);
  StreamState fork = state;
  model.engine.feed(fork, random_tokens(9, 2));
  EXPECT_EQ(parts_of(state), before);
  EXPECT_NE(parts_of(fork), before);
}

}  // namespace
}  // namespace brt
