// SPDX-License-Identifier: Apache-2.0
// A model of a few thousand weights that reads bytes, the same in every process, without LibTorch.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/seeded_random.h"
#include "config/model_config.h"
#include "generate/engine.h"
#include "generate/little_endian.h"
#include "safetensors/safetensors_header.h"
#include "text/byte_tokenizer.h"

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

/// Names and shapes of fuzz_config()'s weights (model.md, "Checkpoint names").
inline std::vector<std::pair<std::string, std::vector<int64_t>>> fuzz_weights() {
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

inline std::string fuzz_safetensors() {
  SafetensorsHeader header;
  std::string data;
  SeededRandom random(7);
  for (const auto& [name, shape] : fuzz_weights()) {
    SafetensorsEntry entry = {.name = name, .dtype = "F32", .shape = shape, .begin = data.size()};
    int64_t values = 1;
    for (const int64_t size : shape) {
      values *= size;
    }
    for (; values > 0; --values) {
      const float value = static_cast<float>(2.0 * random.uniform() - 1.0);
      data.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
    entry.end = data.size();
    header.entries.push_back(entry);
  }
  const std::string text = safetensors_header_text(header, "fuzz model");
  std::string file;
  append_little_endian(file, static_cast<uint64_t>(text.size()));
  return file + text + data;
}

/// The model as one thread runs it in float32, loaded from a folder that is gone by then.
struct FuzzModel {
  ByteTokenizer tokenizer;
  std::unique_ptr<Engine> engine;

  FuzzModel() {
    std::string pattern = (std::filesystem::temp_directory_path() / "brt-fuzz-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
      std::abort();
    }
    const std::filesystem::path folder = pattern;
    write_file_atomically(folder / "config.json", model_config_to_json(fuzz_config(), "bytes"));
    write_file_atomically(folder / "model.safetensors", fuzz_safetensors());
    engine = std::make_unique<Engine>(
        folder, EngineOptions{.weights = WeightFormat::kFloat32, .threads = 1});
    std::filesystem::remove_all(folder);  // what is mapped stays
  }
};

/// Of this process.
inline FuzzModel& fuzz_model() {
  static FuzzModel model;
  return model;
}

}  // namespace brt
