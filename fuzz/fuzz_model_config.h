// SPDX-License-Identifier: Apache-2.0
// The settings of the fuzzers' model: one recurrent layer over bytes.
#pragma once

#include "config/model_config.h"

namespace brt {

inline ModelConfig fuzz_config() {
  ModelConfig config;
  config.vocab_size = 257;
  config.num_layers = 1;
  config.width = 8;
  config.num_heads = 1;
  config.head_size = 4;
  config.ffn_width = 8;
  config.window = 4;
  config.segment = 4;
  config.num_states = 2;
  config.recurrent_layers = {0};
  config.position = PositionType::kNone;
  config.unit_attention = false;
  return config;
}

}  // namespace brt
