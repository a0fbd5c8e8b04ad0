// SPDX-License-Identifier: Apache-2.0
// Model folders: what is saved loads bit-equal, and what does not fit is named.
#include "torch_checkpoint/model_folder.h"

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <ATen/ATen.h>

#include "base/error.h"
#include "checkpoint/model_path.h"
#include "checkpoint/run_folder.h"
#include "checkpoint/scratch_folder.h"
#include "config/presets.h"
#include "torch_checkpoint/tensor_files.h"

namespace brt {
namespace {

namespace fs = std::filesystem;

ModelConfig small_config() {
  ModelConfig config = make_preset("rec-lstm-dual", "tiny");
  config.vocab_size = 11;
  return resolve_model_config(config);
}

LanguageModel small_model(uint64_t seed = 1) {
  LanguageModel model(small_config());
  initialize(model, seed);
  return model;
}

void expect_same_weights(const LanguageModel& got, const LanguageModel& want) {
  EXPECT_EQ(got->config(), want->config());
  const auto wanted = want->named_parameters();
  ASSERT_EQ(got->named_parameters().size(), wanted.size());
  for (const auto& item : got->named_parameters()) {
    EXPECT_EQ(item.value().scalar_type(), at::kFloat) << item.key();
    EXPECT_TRUE(at::equal(item.value(), wanted[item.key()])) << item.key();
  }
}

class ModelFolder : public testing::Test {
 protected:
  ScratchFolder scratch_;
  fs::path weights_ = scratch_ / "model.safetensors";

  /// Saves a model whose tensors `change` has altered; returns what load_model says to it.
  template <class Change>
  std::string refusal(Change&& change) {
    save_model(scratch_.path(), small_model(), "");
    TensorMap tensors = load_safetensors(weights_).tensors;
    change(tensors);
    save_safetensors(weights_, tensors);
    return thrown_message<CheckpointError>([this] { load_model(scratch_.path()); });
  }
};

TEST_F(ModelFolder, WhatIsSavedLoadsBitEqual) {
  const LanguageModel model = small_model();
  save_model(scratch_.path(), model, "");
  expect_same_weights(load_model(scratch_.path()), model);
}

TEST_F(ModelFolder, LoadedModelsCanBeTrained) {
  save_model(scratch_.path(), small_model(), "");
  const LanguageModel loaded = load_model(scratch_.path());
  for (const at::Tensor& parameter : loaded->parameters()) {
    EXPECT_TRUE(parameter.requires_grad());
    EXPECT_TRUE(parameter.is_leaf());
  }
}

TEST_F(ModelFolder, TheFileHasTheNamesOfTheFormatAndOneTensorForEveryParameter) {
  save_model(scratch_.path(), small_model(), "");
  int64_t count = 0;
  for (const TensorDescription& tensor : describe_safetensors(weights_)) {
    EXPECT_EQ(tensor.dtype, "F32") << tensor.name;
    count += tensor.bytes / 4;
  }
  EXPECT_EQ(count, count_parameters(small_config()));
}

TEST_F(ModelFolder, NarrowAndWideFloatsLoadAsFloat32) {
  const LanguageModel model = small_model();
  for (const at::ScalarType dtype : {at::kBFloat16, at::kHalf, at::kDouble}) {
    save_model(scratch_.path(), model, "");
    TensorMap tensors = load_safetensors(weights_).tensors;
    for (auto& [name, tensor] : tensors) {
      tensor = tensor.to(dtype);
    }
    save_safetensors(weights_, tensors);
    const LanguageModel loaded = load_model(scratch_.path());
    for (const auto& item : loaded->named_parameters()) {
      const at::Tensor want = model->named_parameters()[item.key()].to(dtype).to(at::kFloat);
      EXPECT_TRUE(at::equal(item.value(), want)) << item.key();
    }
  }
}

TEST_F(ModelFolder, AModelInDoublePrecisionIsSavedAsFloat32) {
  LanguageModel model = small_model();
  model->to(at::kDouble);
  save_model(scratch_.path(), model, "");
  expect_same_weights(load_model(scratch_.path()), small_model());
}

TEST_F(ModelFolder, TheTokenizerIsKeptAsItsBytesOrNamedInTheConfig) {
  const std::string tokenizer("\0model\xff", 7);
  save_model(scratch_.path(), small_model(), tokenizer);
  EXPECT_EQ(get_bytes(scratch_ / "tokenizer.model"), tokenizer);
  EXPECT_FALSE(says(get_bytes(scratch_ / "config.json"), "\"tokenizer\""));
  save_model(scratch_.path(), small_model(), "");
  EXPECT_FALSE(fs::exists(scratch_ / "tokenizer.model"));
  EXPECT_TRUE(says(get_bytes(scratch_ / "config.json"), "\"tokenizer\": \"bytes\""));
}

TEST_F(ModelFolder, FoldersOfAnotherProgramLoad) {
  const fs::path golden = fs::path(BRT_SOURCE_DIR) / "tests/golden";
  for (const fs::directory_entry& entry : fs::directory_iterator(golden)) {
    if (!fs::exists(entry.path() / "model.safetensors")) {
      continue;
    }
    const LanguageModel model = load_model(entry.path());
    save_model(scratch_.path(), model, "");
    const TensorMap want = load_safetensors(entry.path() / "model.safetensors").tensors;
    const TensorMap got = load_safetensors(weights_).tensors;
    ASSERT_EQ(got.size(), want.size()) << entry.path();
    for (const auto& [name, tensor] : want) {
      EXPECT_TRUE(at::equal(got.at(name), tensor)) << entry.path() << " " << name;
    }
  }
}

TEST_F(ModelFolder, ShardsLoadAsTheOneFile) {
  const LanguageModel model = small_model(4);
  save_model(scratch_.path(), model, "");
  TensorMap first = load_safetensors(weights_).tensors;
  TensorMap second;
  std::string index;
  while (second.size() < first.size()) {
    second.insert(first.extract(first.begin()));
  }
  for (const auto& [tensors, file] :
       {std::pair(&first, "1.safetensors"), {&second, "2.safetensors"}}) {
    save_safetensors(scratch_ / file, *tensors);
    for (const auto& [name, tensor] : *tensors) {
      index += fmt::format(R"({}"{}":"{}")", index.empty() ? "" : ",", name, file);
    }
  }
  put_bytes(scratch_ / "model.safetensors.index.json", "{\"weight_map\":{" + index + "}}");
  fs::remove(weights_);
  expect_same_weights(load_model(scratch_.path()), model);
  fs::remove(scratch_ / "2.safetensors");
  EXPECT_TRUE(says(thrown_message<CheckpointError>([this] { load_model(scratch_.path()); }),
                   "2.safetensors: is missing"));
}

TEST_F(ModelFolder, MissingSurplusAndMisshapenTensorsAreNamedAtOnce) {
  const std::string message = refusal([](TensorMap& tensors) {
    tensors.erase("final_norm.weight");
    tensors["surplus"] = at::ones({2, 3});
    tensors["layers.0.attention.query.weight"] = at::ones({5});
    tensors["layers.0.ffn.up.weight"] = tensors.at("layers.0.ffn.up.weight").to(at::kInt);
  });
  EXPECT_TRUE(says(message, weights_.string() + ": 4 tensors do not fit the model"));
  EXPECT_TRUE(says(message, "\"final_norm.weight\" [32] is missing"));
  EXPECT_TRUE(says(message, "\"surplus\" [2, 3] is not a tensor of this model"));
  EXPECT_TRUE(says(message, "\"layers.0.attention.query.weight\" must be [32, 32], got [5]"));
  EXPECT_TRUE(says(message, "\"layers.0.ffn.up.weight\" must be F32, BF16, F16 or F64, got I32"));
}

TEST_F(ModelFolder, ALongListOfDifferencesIsCut) {
  const size_t count = small_model()->named_parameters().size();
  EXPECT_TRUE(says(refusal([](TensorMap& tensors) { tensors.clear(); }),
                   fmt::format("is missing; and {} more", count - 10)));
}

TEST_F(ModelFolder, WeightsForAnotherVocabularyGetAHint) {
  const std::string message = refusal([](TensorMap& tensors) {
    tensors["embedding.weight"] = at::ones({13, tensors.at("embedding.weight").size(1)});
  });
  EXPECT_TRUE(says(message, "hint: the weights are for a vocabulary of 13 tokens"));
  EXPECT_TRUE(says(message, "vocab_size is 11"));
}

TEST_F(ModelFolder, WeightsThatDoNotFitChangeNothing) {
  LanguageModel model = small_model();
  TensorMap tensors;
  tensors["embedding.weight"] = at::zeros({11, small_config().width});
  EXPECT_THROW(load_parameters(model, tensors, "test"), CheckpointError);
  expect_same_weights(model, small_model());
}

TEST_F(ModelFolder, AConfigOfAModelTooLargeForTheFileIsRefusedBeforeItIsBuilt) {
  save_model(scratch_.path(), small_model(), "");
  ModelConfig config = small_config();
  config.width = 1 << 20;
  config.ffn_width = 1 << 20;
  put_bytes(scratch_ / "config.json", model_config_to_json(config, "bytes"));
  EXPECT_TRUE(says(thrown_message<CheckpointError>([this] { load_model(scratch_.path()); }),
                   "but a model of the config.json beside it has"));
}

TEST_F(ModelFolder, AWindowOrSegmentOutOfAllProportionIsRefusedBeforeMemoryIsTaken) {
  save_model(scratch_.path(), small_model(), "");
  const auto message = [&](int64_t window, int64_t segment) {
    ModelConfig config = small_config();
    config.window = window;
    config.segment = segment;
    put_bytes(scratch_ / "config.json", model_config_to_json(config, "bytes"));
    return thrown_message<CheckpointError>([this] { load_model(scratch_.path()); });
  };
  EXPECT_EQ(message(1 << 10, 1 << 16), "nothing thrown");
  EXPECT_TRUE(says(message(1 << 24, 1 << 24), "window 16777216 and segment 16777216 asks for"));
  EXPECT_TRUE(says(message(1 << 10, 1 << 24), "window 1024 and segment 16777216 asks for"));
}

TEST_F(ModelFolder, NumbersThatAreNotFiniteAreRefusedByTheirTensorsName) {
  for (const float number :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    EXPECT_TRUE(says(refusal([&](TensorMap& tensors) {
                       tensors.at("layers.0.ffn.up.weight").view(-1)[5] = number;
                     }),
                     "\"layers.0.ffn.up.weight\" holds a number that is not finite"));
  }
}

TEST_F(ModelFolder, ARunStandsForItsNewestSoundCheckpoint) {
  RunFolder run(scratch_ / "run");
  for (const int64_t step : {10, 20}) {
    run.save_checkpoint(step, [step](const fs::path& folder) {
      return save_model(folder, small_model(static_cast<uint64_t>(step)), "");
    });
  }
  expect_same_weights(load_model(run.path()), small_model(20));
  damage_file(run.path() / "checkpoints/step-00000020/model.safetensors");
  EXPECT_EQ(find_model_folder(run.path()), run.path() / "checkpoints/step-00000010");
  expect_same_weights(load_model(run.path()), small_model(10));
  EXPECT_TRUE(says(thrown_message<CheckpointError>(
                       [&] { load_model(run.path() / "checkpoints/step-00000020"); }),
                   "step-00000020: is damaged: model.safetensors has checksum"));
  damage_file(run.path() / "checkpoints/step-00000010/config.json");
  const std::string message = thrown_message<CheckpointError>([&] { load_model(run.path()); });
  EXPECT_TRUE(says(message, "no checkpoint of the run is sound: step-00000020: model.safetensors"));
  EXPECT_TRUE(says(message, "step-00000010: config.json has checksum"));
}

TEST_F(ModelFolder, AConfigWithoutWeightsIsRefused) {
  put_bytes(scratch_ / "config.json", model_config_to_json(small_config(), "bytes"));
  EXPECT_TRUE(says(thrown_message<CheckpointError>([this] { load_model(scratch_.path()); }),
                   "has no model.safetensors"));
}

TEST(ModelFingerprint, IsThatOfConfigAndWeightsOnly) {
  const LanguageModel model = small_model();
  const uint64_t fingerprint = model_fingerprint(model);
  EXPECT_EQ(model_fingerprint(small_model()), fingerprint);
  EXPECT_NE(model_fingerprint(small_model(2)), fingerprint);

  const ScratchFolder scratch;
  save_model(scratch.path(), model, "some tokenizer");
  EXPECT_EQ(model_fingerprint(load_model(scratch.path())), fingerprint);

  ModelConfig config = small_config();
  config.candidate_tanh = !config.candidate_tanh;
  LanguageModel other(config);
  initialize(other, 1);
  EXPECT_NE(model_fingerprint(other), fingerprint);
}

}  // namespace
}  // namespace brt
