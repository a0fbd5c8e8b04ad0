// SPDX-License-Identifier: Apache-2.0
// Models and documents for tests of the streaming engine.
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "base/seeded_random.h"
#include "engine/engine.h"
#include "engine/tiny_model_folder.h"

namespace brt {

/// A small model in which blocks, heads and states do not fill whole panels of 64.
inline ModelConfig case_config(int64_t window = 80, int64_t num_states = 70) {
  ModelConfig config = tiny_config();
  config.vocab_size = 261;
  config.num_layers = 2;
  config.num_heads = 3;
  config.ffn_width = 40;
  config.window = window;
  config.segment = window;
  config.num_states = num_states;
  return config;
}

/// Each option that the engine treats in a way of its own, by name.
inline std::map<std::string, ModelConfig> case_configs() {
  std::map<std::string, ModelConfig> configs;
  configs["fixed_skip"] = case_config();
  ModelConfig& slide = configs["slide"] = case_config(/*window=*/7);
  slide.recurrent_layers = {};
  ModelConfig& dual = configs["lstm_dual_feedback"] = case_config(/*window=*/9, /*num_states=*/5);
  dual.gate = GateType::kLstm;
  dual.cell = CellType::kDual;
  dual.feedback = true;
  dual.recurrent_layers = {0, 1};
  dual.candidate_tanh = true;
  ModelConfig& single = configs["fixed_single_rotary"] = case_config(/*window=*/64, 64);
  single.cell = CellType::kSingle;
  single.num_heads = 2;  // whole panels and, of two threads, one each
  single.head_size = 64;
  single.position = PositionType::kRotary;
  ModelConfig& plain = configs["plain_attention_masked"] = case_config(/*window=*/65, 3);
  plain.position = PositionType::kNone;
  plain.unit_attention = false;
  plain.mask_empty_cache = true;
  return configs;
}

inline std::vector<int32_t> random_tokens(int64_t count, uint64_t seed, int64_t vocab_size = 261) {
  SeededRandom random(seed);
  std::vector<int32_t> tokens;
  for (int64_t i = 0; i < count; ++i) {
    tokens.push_back(static_cast<int32_t>(random.below(static_cast<uint64_t>(vocab_size))));
  }
  return tokens;
}

/// A stream's saved parts, one behind the other.
inline std::string parts_of(const StreamState& state) {
  std::string bytes = std::to_string(state.tokens_read());
  state.for_each_part([&](const std::string& name, std::span<const std::byte> part) {
    bytes += name;
    bytes.append(reinterpret_cast<const char*>(part.data()), part.size());
  });
  return bytes;
}

/// Logits of all tokens and the state behind them, as bytes.
struct Reading {
  std::string logits;
  std::string parts;

  bool operator==(const Reading&) const = default;
};

/// Reads in chunks, beside streams that read other tokens in chunks of other sizes.
inline Reading read_in_chunks(Engine& engine,
                              const std::vector<int32_t>& tokens,
                              size_t chunk,
                              int64_t others = 0) {
  Reading reading;
  StreamState state = engine.begin();
  std::vector<StreamState> other_states(static_cast<size_t>(others), engine.begin());
  const std::vector<int32_t> other_tokens = random_tokens(200, 99, engine.config().vocab_size);
  for (size_t from = 0; from < tokens.size(); from += chunk) {
    std::vector<Feed> feeds(static_cast<size_t>(others) + 1);
    for (size_t i = 0; i < other_states.size(); ++i) {
      // The stream in question lies in the middle.
      Feed& feed = feeds[i < other_states.size() / 2 ? i : i + 1];
      feed.state = &other_states[i];
      feed.tokens = std::span(other_tokens).subspan(i, 1 + (i * 7 + from) % 23);
    }
    Feed& feed = feeds[other_states.size() / 2];
    feed.state = &state;
    feed.tokens = std::span(tokens).subspan(from, std::min(chunk, tokens.size() - from));
    feed.visit = [&](int64_t, int64_t rows, const float* logits_MV) {
      reading.logits.append(reinterpret_cast<const char*>(logits_MV),
                            static_cast<size_t>(rows * engine.config().vocab_size) * sizeof(float));
    };
    engine.feed(feeds);
  }
  reading.parts = parts_of(state);
  return reading;
}

}  // namespace brt
