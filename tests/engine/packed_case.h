// SPDX-License-Identifier: Apache-2.0
// A small model as the parts of the engine take it.
#pragma once

#include <cstdint>

#include "engine/engine.h"
#include "engine/engine_cases.h"
#include "engine/packed_model.h"
#include "engine/plain_model.h"
#include "engine/stream_layout.h"
#include "engine/thread_team.h"

namespace brt {

struct PackedCase {
  explicit PackedCase(const ModelConfig& config,
                      WeightFormat format = WeightFormat::kFloat32,
                      int64_t threads = 1)
      : folder(config, 5),
        team(threads),
        model(folder.path(), format, team),
        layout(model),
        engine(folder.path(), {format, /*threads=*/1}) {}

  PlainModel plain() const { return PlainModel(folder.path(), model.config()); }

  TinyModelFolder folder;
  ThreadTeam team;
  PackedModel model;
  StreamLayout layout;
  Engine engine;  ///< makes states of this layout
};

/// One layer, without recurrence or recurrent.
inline ModelConfig one_layer_config(int64_t window, bool is_recurrent) {
  ModelConfig config = case_config(window, /*num_states=*/5);
  config.num_layers = 1;
  config.recurrent_layers.clear();
  if (is_recurrent) {
    config.recurrent_layers = {0};
  }
  return config;
}

/// Rows of floats as plain vectors.
inline PlainVector plain_row(const float* row, int64_t width) { return {row, row + width}; }

}  // namespace brt
