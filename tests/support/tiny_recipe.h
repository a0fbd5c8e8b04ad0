// SPDX-License-Identifier: Apache-2.0
// The config of a model of a few thousand weights, and a recipe that trains it on bytes.
#pragma once

#include <filesystem>

#include "config/run_config.h"

namespace brt {

inline ModelConfig tiny_config() {
  ModelConfig config;
  config.vocab_size = 257;  // bytes and the document end
  config.num_layers = 3;
  config.width = 16;
  config.num_heads = 2;
  config.head_size = 8;
  config.ffn_width = 24;
  config.window = 4;
  config.segment = 12;
  config.num_states = 5;
  config.recurrent_layers = {1};
  return config;
}

/// One thread; only the newest checkpoints are kept.
inline RunConfig tiny_recipe(const std::filesystem::path& data) {
  RunConfig config;
  config.model = tiny_config();
  config.data.path = data.string();
  config.train.threads = 1;
  config.train.keep_best = false;
  return config;
}

}  // namespace brt
