// SPDX-License-Identifier: Apache-2.0
// A model of a few thousand weights that reads bytes, the same in every process, without LibTorch.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "config/model_config.h"
#include "engine/engine.h"
#include "fuzz_model_config.h"
#include "fuzz_tensors.h"
#include "scratch_folder.h"
#include "text/byte_tokenizer.h"

namespace brt {

/// Names and shapes of fuzz_config()'s weights (model.md, "Checkpoint names").
inline std::vector<FuzzTensor> fuzz_weights() {
  return {{"embedding.weight", {257, 8}},
          {"final_norm.weight", {8}},
          {"layers.0.attention_norm.weight", {8}},
          {"layers.0.attention.key.weight", {4, 8}},
          {"layers.0.attention.value.weight", {4, 8}},
          {"layers.0.attention.query.weight", {4, 8}},
          {"layers.0.attention.cross_query.weight", {4, 8}},
          {"layers.0.attention.output.weight", {8, 8}},
          {"layers.0.ffn_norm.weight", {8}},
          {"layers.0.ffn.up.weight", {8, 8}},
          {"layers.0.ffn.down.weight", {8, 8}},
          {"layers.0.cell.initial_state", {2, 8}},
          {"layers.0.cell.state_ids", {2, 8}},
          {"layers.0.cell.state_norm.weight", {8}},
          {"layers.0.cell.key.weight", {4, 8}},
          {"layers.0.cell.value.weight", {4, 8}},
          {"layers.0.cell.query.weight", {4, 8}},
          {"layers.0.cell.cross_query.weight", {4, 8}},
          {"layers.0.cell.output.weight", {8, 8}},
          {"layers.0.cell.gate.bias", {8}}};
}

/// A folder with the model, as long as this lives.
class FuzzModelFolder {
 public:
  FuzzModelFolder() {
    scratch_.put("config.json", model_config_to_json(fuzz_config(), "bytes"));
    scratch_.put("model.safetensors", fuzz_tensor_file(fuzz_weights()).whole());
  }

  const std::filesystem::path& path() const { return scratch_.path(); }

 private:
  ScratchFolder scratch_;
};

/// The model as one thread runs it in float32.
struct FuzzModel {
  FuzzModelFolder folder;
  ByteTokenizer tokenizer;
  std::unique_ptr<Engine> engine = std::make_unique<Engine>(
      folder.path(), EngineOptions{.weights = WeightFormat::kFloat32, .threads = 1});
};

/// Of this process.
inline FuzzModel& fuzz_model() {
  static FuzzModel model;
  return model;
}

}  // namespace brt
