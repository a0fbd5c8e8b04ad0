// SPDX-License-Identifier: Apache-2.0
// A model of a few thousand weights and a prepared split of a few short documents.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/grad_mode.h>

#include "checkpoint/scratch_folder.h"
#include "data/prepared_data.h"
#include "model/language_model.h"
#include "support/random_text.h"
#include "support/tiny_recipe.h"

namespace brt {

/// Random weights. The embedding is scaled up so that predictions are far from uniform.
inline LanguageModel tiny_model(const ModelConfig& config = tiny_config(), uint64_t seed = 3) {
  LanguageModel model(config);
  initialize(model, seed);
  const at::NoGradGuard no_grad;
  model->named_parameters()["embedding.weight"].mul_(1.5);
  return model;
}

/// Documents as files of a scratch folder, prepared with the tokenizer of bytes.
class TinyBooks {
 public:
  explicit TinyBooks(std::vector<std::string> texts) : texts_(std::move(texts)) {
    std::filesystem::create_directory(folder_ / "books");
    for (size_t i = 0; i < texts_.size(); ++i) {
      put_bytes(folder_ / "books" / ("book" + std::to_string(i) + ".txt"), texts_[i]);
    }
    PrepareOptions options;
    options.inputs = {(folder_ / "books").string()};
    options.output = folder_ / "data";
    options.split = "test";
    prepare_split(options, {});
  }

  PreparedSplit split() const { return PreparedData(folder_ / "data").open_split("test"); }
  const std::vector<std::string>& texts() const { return texts_; }

 private:
  ScratchFolder folder_;
  std::vector<std::string> texts_;
};

}  // namespace brt
