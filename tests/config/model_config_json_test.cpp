// SPDX-License-Identifier: Apache-2.0
// config.json: round trip, folders of other programs, damaged files.
#include <filesystem>
#include <functional>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "config/model_config.h"
#include "config/presets.h"
#include "support/text_assertions.h"

namespace brt {
namespace {

ModelConfig unusual_model() {
  ModelConfig config = make_preset("feedback-lstm-dual", "tiny");
  config.vocab_size = 71;
  config.recurrent_layers = {0, 1};
  config.position = PositionType::kRotary;
  config.unit_attention = false;
  config.candidate_tanh = true;
  config.mask_empty_cache = true;
  return config;
}

nlohmann::json unusual_json() {
  return nlohmann::json::parse(model_config_to_json(unusual_model(), "bytes"));
}

std::string message_of(const std::string& text) {
  try {
    model_config_from_json(text, "m/config.json");
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(ModelConfigJson, ReadsBackWhatItWrites) {
  const std::string text = model_config_to_json(unusual_model(), "bytes");
  EXPECT_EQ(model_config_from_json(text, "config.json"), unusual_model());
}

TEST(ModelConfigJson, NamesArchitectureTypeVersionAndTheByteTokenizer) {
  const nlohmann::json written = unusual_json();
  EXPECT_EQ(written["architectures"], nlohmann::json({"BlockRecurrentTransformer"}));
  EXPECT_EQ(written["model_type"], "brt");
  EXPECT_EQ(written["format_version"], 1);
  EXPECT_EQ(written["gate"], "lstm");
  EXPECT_EQ(written["tokenizer"], "bytes");
  EXPECT_FALSE(contains(model_config_to_json(unusual_model(), "tokenizer.model"), "tokenizer"));
}

TEST(ModelConfigJson, TakesDefaultsAndIgnoresForeignKeys) {
  const std::string text = R"({"vocab_size": 50, "num_layers": 2, "width": 8, "num_heads": 2,
      "head_size": 4, "ffn_width": 16, "window": 4, "segment": 8, "torch_dtype": "float32"})";
  const ModelConfig config = model_config_from_json(text, "config.json");
  EXPECT_EQ(config.num_states, 0);
  EXPECT_TRUE(config.recurrent_layers.empty());
  EXPECT_EQ(config.num_buckets, 32);
  EXPECT_EQ(config.max_distance, 128);
  EXPECT_TRUE(config.unit_attention);
}

TEST(ModelConfigJson, ResolvesNegativeLayers) {
  nlohmann::json changed = unusual_json();
  changed["recurrent_layers"] = {-1};
  EXPECT_EQ(model_config_from_json(changed.dump(), "config.json").recurrent_layers,
            (std::vector<int64_t>{1}));
}

TEST(ModelConfigJson, ListsEveryProblemAtOnce) {
  nlohmann::json changed = unusual_json();
  changed.erase("width");
  changed["num_heads"] = 2.5;
  changed["gate"] = "gru";
  changed["feedback"] = 1;
  changed["recurrent_layers"] = {0, "1"};
  changed["window"] = nullptr;
  changed["vocab_size"] = 0;
  const std::string message = message_of(changed.dump());
  EXPECT_TRUE(starts_with(message, "m/config.json: 7 problems\n"));
  EXPECT_TRUE(contains(message, "\n  width: is missing\n"));
  EXPECT_TRUE(contains(message, "\n  num_heads: expected a whole number, got 2.5\n"));
  EXPECT_TRUE(contains(message, "\n  window: expected a whole number, got null\n"));
  EXPECT_TRUE(contains(message, "\n  gate: expected \"fixed\" or \"lstm\", got \"gru\"\n"));
  EXPECT_TRUE(contains(message, "\n  feedback: expected true or false, got 1\n"));
  EXPECT_TRUE(
      contains(message, "\n  recurrent_layers: expected a list of whole numbers, got [0,\"1\"]\n"));
  EXPECT_TRUE(contains(message, "\n  vocab_size: must be between 1 and"));
}

TEST(ModelConfigJson, NeedsTheNumberOfStatesOfARecurrentModel) {
  nlohmann::json changed = unusual_json();
  changed.erase("num_states");
  EXPECT_EQ(message_of(changed.dump()), "m/config.json: num_states: is missing");
}

TEST(ModelConfigJson, RefusesANumberBeyond64Bits) {
  nlohmann::json changed = unusual_json();
  changed["width"] = 18446744073709551615U;
  EXPECT_EQ(message_of(changed.dump()),
            "m/config.json: width: expected a whole number, got 18446744073709551615");
}

TEST(ModelConfigJson, RefusesOtherModelsAndNewerVersions) {
  nlohmann::json changed = unusual_json();
  changed["model_type"] = "llama";
  EXPECT_TRUE(starts_with(message_of(changed.dump()),
                          "m/config.json: model_type: expected \"brt\", got \"llama\"\nhint: "));
  changed = unusual_json();
  changed["format_version"] = 2;
  EXPECT_TRUE(starts_with(message_of(changed.dump()),
                          "m/config.json: format_version: this program reads version 1, got 2"));
  changed["format_version"] = "1";
  EXPECT_TRUE(contains(message_of(changed.dump()), "format_version: expected a whole number"));
}

TEST(ModelConfigJson, RefusesTextThatIsNoJsonObject) {
  EXPECT_TRUE(starts_with(message_of("{\"width\": "), "m/config.json: not valid JSON: "));
  EXPECT_TRUE(starts_with(message_of(""), "m/config.json: not valid JSON: "));
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  EXPECT_TRUE(starts_with(message_of("{\"width\": " + deep + "}"),
                          "m/config.json: JSON nested more than 64 deep"));
  EXPECT_TRUE(contains(message_of("[1, 2]"), "expected a JSON object"));
  EXPECT_TRUE(starts_with(message_of("\"\xff\""), "m/config.json: not valid JSON: "));
}

/// Elements of all tensors in a safetensors file, from its header.
int64_t count_elements(const std::filesystem::path& path) {
  const MappedFile file(path);
  const std::string_view bytes = file.bytes();
  uint64_t header_bytes = 0;
  for (size_t i = 0; i < 8; ++i) {
    header_bytes |= uint64_t{static_cast<unsigned char>(bytes.at(i))} << (8 * i);
  }
  int64_t total = 0;
  const nlohmann::json header = nlohmann::json::parse(bytes.substr(8, header_bytes));
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      continue;
    }
    int64_t elements = 1;
    for (const nlohmann::json& side : entry["shape"]) {
      elements *= side.get<int64_t>();
    }
    total += elements;
  }
  return total;
}

TEST(ModelConfigJson, TheGoldenModelsLoadAndHaveAsManyParametersAsCounted) {
  const std::filesystem::path golden = std::filesystem::path(BRT_SOURCE_DIR) / "tests/golden";
  int64_t cases = 0;
  for (const std::filesystem::directory_entry& folder :
       std::filesystem::directory_iterator(golden)) {
    if (!std::filesystem::exists(folder.path() / "config.json")) {
      continue;
    }
    const std::filesystem::path file = folder.path() / "config.json";
    const ModelConfig config = model_config_from_json(read_file(file), file.string());
    EXPECT_EQ(count_parameters(config), count_elements(folder.path() / "model.safetensors"))
        << file;
    ++cases;
  }
  EXPECT_GE(cases, 1);
}

}  // namespace
}  // namespace brt
