// SPDX-License-Identifier: Apache-2.0
// The folder of a tiny model that reads bytes, as the engine loads it.
#pragma once

#include <filesystem>

#include "engine/engine.h"
#include "eval/tiny_books.h"
#include "torch_checkpoint/model_folder.h"

namespace brt {

/// A model whose document end has a logit of 0 only: a min-p of 0.1 keeps it from being drawn.
class TinyModelFolder {
 public:
  explicit TinyModelFolder(const ModelConfig& config = tiny_config(), uint64_t seed = 3) {
    LanguageModel model = tiny_model(config, seed);
    {
      const at::NoGradGuard no_grad;
      model->named_parameters()["embedding.weight"][256].zero_();
    }
    save_model(folder_.path(), model, "");
  }

  const std::filesystem::path& path() const { return folder_.path(); }

 private:
  ScratchFolder folder_;
};

/// One tiny engine for the tests of a file that do not need one of their own.
inline Engine& tiny_engine() {
  static const TinyModelFolder folder;
  static Engine engine(folder.path(), {.weights = WeightFormat::kFloat32, .threads = 1});
  return engine;
}

}  // namespace brt
