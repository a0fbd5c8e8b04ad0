// SPDX-License-Identifier: Apache-2.0
// Where the buffers of a stream lie.
#include "engine/stream_layout.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "engine/packed_case.h"

namespace brt {
namespace {

/// Begin and end of everything in the memory of a stream.
std::vector<std::pair<int64_t, int64_t>> extents(const StreamLayout& layout) {
  const ModelConfig& config = layout.config;
  const int64_t heads = config.num_heads;
  const int64_t number = layout.is_float ? 4 : 2;
  std::vector<std::pair<int64_t, int64_t>> all;
  const auto add = [&all](int64_t offset, int64_t bytes) {
    all.push_back({offset, offset + bytes});
  };
  for (size_t i = 0; i < layout.layers.size(); ++i) {
    const LayerOffsets& layer = layout.layers[i];
    add(layer.keys, 2 * heads * layout.key_head_bytes);
    add(layer.values, 2 * heads * layout.value_head_bytes);
    if (layer.rotated_keys != layer.keys) {
      add(layer.rotated_keys, 2 * heads * layout.key_head_bytes);
    }
    if (is_recurrent_layer(config, static_cast<int64_t>(i))) {
      const int64_t states = config.num_states;
      const int64_t joined = states * heads * config.head_size;
      add(layer.cell.state, states * config.width * 4);
      add(layer.cell.keys, heads * layout.state_key_bytes);
      add(layer.cell.values, heads * layout.state_value_bytes);
      add(layer.cell.qkv, 2 * joined * 4);
      add(layer.cell.operand, layout.cell_operand.bytes());
      add(layer.cell.queries, joined * number);
      add(layer.cell.cross_queries, joined * number);
      add(layer.cell.attended, joined * 4);
      add(layer.cell.log_sum, states * heads * 4);
      add(layer.cell.projection, states * 4);
      add(layer.cell.hidden, 0);
      add(layer.cell.ffn_projection, 0);
    }
  }
  add(layout.logits, config.vocab_size * 4);
  return all;
}

TEST(StreamLayout, BuffersAreAlignedAndDoNotMeet) {
  for (const auto& [name, config] : case_configs()) {
    for (const WeightFormat format :
         {WeightFormat::kFloat32, WeightFormat::kBfloat16, WeightFormat::kInt8}) {
      const PackedCase model(config, format);
      std::vector<std::pair<int64_t, int64_t>> all = extents(model.layout);
      std::ranges::sort(all);
      for (size_t i = 0; i < all.size(); ++i) {
        EXPECT_EQ(all[i].first % 64, 0) << name;
        const int64_t limit = i + 1 < all.size() ? all[i + 1].first : model.layout.bytes;
        EXPECT_LE(all[i].second, limit) << name << ", " << to_word(format) << ", buffer " << i;
      }
    }
  }
}

TEST(StreamLayout, PartsThatAreSavedAreNamedInOrder) {
  const PackedCase model(case_config());
  std::vector<std::string> names;
  for (const StreamLayout::Part& part : model.layout.parts) {
    names.push_back(part.name);
    EXPECT_LE(part.offset + part.bytes, model.layout.bytes);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"keys.0", "values.0", "keys.1", "values.1", "state.1",
                                             "logits"}));
}

TEST(StreamLayout, RotatedKeysHaveMemoryOfTheirOwnWithRotaryOnly) {
  const PackedCase plain(case_configs().at("fixed_skip"));
  const PackedCase rotary(case_configs().at("fixed_single_rotary"));
  EXPECT_EQ(plain.layout.layers[0].rotated_keys, plain.layout.layers[0].keys);
  EXPECT_NE(rotary.layout.layers[0].rotated_keys, rotary.layout.layers[0].keys);
}

TEST(StreamLayout, BlocksOfTheCacheAlternate) {
  PackedCase model(case_config(/*window=*/5));
  StreamState state = model.engine.begin();
  const float* first = StateAccess::keys<float>({state, 0, 2}, kCurrentBlock);
  const float* second = StateAccess::keys<float>({state, 0, 2}, kPreviousBlock);
  EXPECT_NE(first, second);
  for (const int64_t tokens : {4, 10, 14}) {
    state.set_tokens_read(tokens);
    EXPECT_EQ(StateAccess::keys<float>({state, 0, 2}, kCurrentBlock), first) << tokens;
  }
  for (const int64_t tokens : {5, 9, 15}) {
    state.set_tokens_read(tokens);
    EXPECT_EQ(StateAccess::keys<float>({state, 0, 2}, kCurrentBlock), second) << tokens;
    EXPECT_EQ(StateAccess::keys<float>({state, 0, 2}, kPreviousBlock), first) << tokens;
  }
}

}  // namespace
}  // namespace brt
