// SPDX-License-Identifier: Apache-2.0
// A tiny recipe on a prepared folder of short documents.
#pragma once

#include <string>
#include <vector>

#include "base/seeded_random.h"
#include "checkpoint/scratch_folder.h"
#include "data/prepared_data.h"
#include "model/language_model.h"
#include "support/tiny_recipe.h"

namespace brt {

/// Words of random letters: `bytes` bytes.
inline std::string random_words(int64_t bytes, uint64_t seed) {
  SeededRandom random(seed);
  std::string text;
  while (static_cast<int64_t>(text.size()) < bytes) {
    text += random.below(5) == 0 ? ' ' : static_cast<char>('a' + random.below(8));
  }
  return text;
}

/// A scratch folder with prepared splits "train" and "validation" (bytes) and a recipe for them.
/// The documents end within the first steps, at different ones.
class TrainingFolder {
 public:
  TrainingFolder() {
    prepare("train", {30, 75, 12, 48, 100, 5, 61}, 1);
    prepare("validation", {40, 25}, 100);
  }

  std::filesystem::path path(const std::string& name) const { return folder_ / name; }
  std::filesystem::path data() const { return folder_ / "data"; }

  RunConfig recipe() const {
    RunConfig config = tiny_recipe(data());
    config.train.steps = 12;
    config.train.lanes = 4;
    config.train.dropout = 0.1;
    config.train.log_every = 3;
    config.train.checkpoint_every = 4;
    config.optimizer.warmup = 2;
    config.evaluation.every = 6;
    config.evaluation.lanes = 2;
    return config;
  }

  void prepare(const std::string& split, const std::vector<int64_t>& sizes, uint64_t seed) const {
    const std::filesystem::path texts = folder_ / (split + "-texts");
    std::filesystem::create_directory(texts);
    for (size_t i = 0; i < sizes.size(); ++i) {
      put_bytes(texts / ("document" + std::to_string(i) + ".txt"),
                random_words(sizes[i], seed + i));
    }
    PrepareOptions options;
    options.inputs = {texts.string()};
    options.output = data();
    options.split = split;
    prepare_split(options, {});
  }

 private:
  ScratchFolder folder_;
};

/// Whether two models have the same weights, bit for bit.
inline testing::AssertionResult same_weights(const LanguageModel& left,
                                             const LanguageModel& right) {
  for (const auto& parameter : left->named_parameters()) {
    if (!parameter.value().equal(right->named_parameters()[parameter.key()])) {
      return testing::AssertionFailure() << parameter.key() << " differs";
    }
  }
  return testing::AssertionSuccess();
}

}  // namespace brt
