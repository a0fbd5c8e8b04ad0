// SPDX-License-Identifier: Apache-2.0
// The folder of a tiny model that reads bytes, as the engine loads it. Written without LibTorch, so
// that tests of the engine run on every processor.
#pragma once

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/seeded_random.h"
#include "checkpoint/scratch_folder.h"
#include "config/model_config.h"
#include "engine/engine.h"
#include "kernels/kernel_values.h"
#include "support/parameter_shapes.h"
#include "support/tiny_recipe.h"
#include "support/weights_file.h"

namespace brt {

/// Random numbers of about the size of a model's first values (src/model/initialize.cpp); the
/// embedding is scaled up so that predictions are far from uniform.
inline std::vector<float> first_values(const std::string& name,
                                       const std::vector<int64_t>& shape,
                                       uint64_t seed) {
  const int64_t count = shape.size() == 1 ? shape[0] : shape[0] * shape[1];
  if (name.ends_with("norm.weight") || name.ends_with("scale")) {
    return std::vector<float>(static_cast<size_t>(count), 1.0F);
  }
  double deviation = 1.0;
  if (name == "embedding.weight") {
    deviation = 1.5;
  } else if (name.ends_with("initial_state") || name.ends_with("bias")) {
    deviation = 0.1;
  } else if (name.ends_with(".weight")) {
    const bool in_gate = name.find("gate.") != std::string::npos;
    deviation = std::sqrt((in_gate ? 0.1 : 1.0) / static_cast<double>(shape[1]));
  }
  std::vector<float> values =
      kernels::normal_values<float>(count, derive_seed(seed, name, std::span<const int64_t>()));
  for (float& value : values) {
    value *= static_cast<float>(deviation);
  }
  return values;
}

/// Tensors of a model with random weights.
inline WeightsFile tiny_weights(const ModelConfig& config, uint64_t seed) {
  WeightsFile weights;
  for (const auto& [name, shape] : parameter_shapes(config)) {
    weights.add_floats(name, shape, first_values(name, shape, seed));
  }
  return weights;
}

/// A model whose document end has a logit of 0 only: a min-p of 0.1 keeps it from being drawn.
class TinyModelFolder {
 public:
  explicit TinyModelFolder(const ModelConfig& config = tiny_config(), uint64_t seed = 3) {
    const ModelConfig resolved = resolve_model_config(config);
    WeightsFile weights = tiny_weights(resolved, seed);
    weights.change("embedding.weight", [&](float& value, int64_t index) {
      value = index / resolved.width == 256 ? 0.0F : value;
    });
    put_bytes(path() / "config.json", model_config_to_json(resolved, "bytes"));
    put_bytes(weights_file(), weights.bytes());
  }

  const std::filesystem::path& path() const { return folder_.path(); }

  /// Calls change(value, index) with every number of a tensor.
  template <class Change>
  void change(const std::string& tensor, Change&& change) const {
    WeightsFile weights(get_bytes(weights_file()));
    weights.change(tensor, change);
    put_bytes(weights_file(), weights.bytes());
  }

 private:
  ScratchFolder folder_;

  std::filesystem::path weights_file() const { return path() / "model.safetensors"; }
};

/// One tiny engine for the tests of a file that do not need one of their own.
inline Engine& tiny_engine() {
  static const TinyModelFolder folder;
  static Engine engine(folder.path(), {.weights = WeightFormat::kFloat32, .threads = 1});
  return engine;
}

}  // namespace brt
