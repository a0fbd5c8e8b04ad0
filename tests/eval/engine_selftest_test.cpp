// SPDX-License-Identifier: Apache-2.0
#include "eval/engine_selftest.h"

#include <cmath>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <ATen/ATen.h>

#include "base/error.h"
#include "base/seeded_random.h"
#include "engine/engine.h"
#include "eval/int8_error.h"
#include "eval/tiny_books.h"
#include "support/tensors.h"
#include "torch_checkpoint/model_folder.h"
#include "torch_checkpoint/tensor_files.h"

namespace brt {
namespace {

class EngineSelftest : public testing::TestWithParam<WeightFormat> {};

std::string figures_of(const SelftestResult& result) {
  std::string text = result.name + " " + result.failure;
  for (const SelftestFigure& figure : result.figures) {
    text += " " + figure.name + " " + std::to_string(figure.error) + " (" + figure.worst + ")";
  }
  return text;
}

TEST_P(EngineSelftest, EveryGoldenCasePasses) {
  int64_t cases = 0;
  for (const std::filesystem::path& folder :
       find_selftest_cases(std::string(BRT_SOURCE_DIR) + "/tests/golden")) {
    if (is_engine_case(folder)) {
      const SelftestResult result = run_engine_selftest_case(folder, GetParam());
      EXPECT_TRUE(result.passed()) << figures_of(result);
      ++cases;
    }
  }
  EXPECT_GE(cases, 16);
}

INSTANTIATE_TEST_SUITE_P(Formats,
                         EngineSelftest,
                         testing::Values(WeightFormat::kFloat32,
                                         WeightFormat::kBfloat16,
                                         WeightFormat::kInt8),
                         [](const testing::TestParamInfo<WeightFormat>& format) {
                           return std::string(to_word(format.param));
                         });

/// As the golden cases are made: random numbers far from a model's initial ones.
LanguageModel random_model(const ModelConfig& config, uint64_t seed) {
  LanguageModel model(config);
  const at::NoGradGuard no_grad;
  uint64_t next = seed * 1000;
  for (const auto& item : model->named_parameters()) {
    const at::Tensor& value = item.value();
    const bool is_matrix = value.dim() == 2 && item.key().ends_with(".weight");
    const bool is_embedding = item.key().starts_with("embedding");
    const double size = is_embedding ? 1.1
                        : is_matrix  ? 1.2 / std::sqrt(static_cast<double>(value.size(1)))
                                     : 0.5;
    const bool is_norm = item.key().find("norm.weight") != std::string::npos;
    value.copy_(random_tensor(value.sizes(), ++next, at::kFloat) * size + (is_norm ? 1.0 : 0.0));
  }
  return model;
}

/// Writes a case of one lane whose expected numbers are those of the engine with float32 weights.
void write_case(const std::filesystem::path& folder, const LanguageModel& model, uint64_t seed) {
  save_model(folder, model, "");
  Engine engine(folder, {.weights = WeightFormat::kFloat32, .threads = 1});
  const ModelConfig& config = engine.config();
  const int64_t count = 9 * config.window;
  std::vector<int32_t> tokens;
  SeededRandom random(seed);
  for (int64_t i = 0; i < count; ++i) {
    tokens.push_back(static_cast<int32_t>(random.below(static_cast<uint64_t>(config.vocab_size))));
  }
  std::vector<float> logits;
  StreamState stream = engine.begin();
  Feed feed;
  feed.state = &stream;
  feed.tokens = tokens;
  feed.visit = [&](int64_t, int64_t rows, const float* logits_MV) {
    logits.insert(logits.end(), logits_MV, logits_MV + rows * config.vocab_size);
  };
  engine.feed(std::span<Feed>(&feed, 1));
  const auto tensor = [](std::span<const float> values, std::vector<int64_t> shape) {
    return at::tensor(at::ArrayRef<float>(values.data(), values.size())).view(shape);
  };
  TensorMap tensors;
  tensors["tokens"] = at::tensor(tokens, at::kInt).view({1, 1, count});
  tensors["starts"] = at::ones({1, 1}, at::kByte);
  tensors["logits"] = tensor(logits, {1, 1, count, config.vocab_size});
  const std::vector<int64_t> cache = {1, config.window, config.num_heads, config.head_size};
  for (int64_t layer = 0; layer < config.num_layers; ++layer) {
    tensors[fmt::format("carry.keys.{}", layer)] = tensor(stream.keys(layer), cache);
    tensors[fmt::format("carry.values.{}", layer)] = tensor(stream.values(layer), cache);
    if (!stream.state(layer).empty()) {
      tensors[fmt::format("carry.state.{}", layer)] =
          tensor(stream.state(layer), {1, config.num_states, config.width});
    }
  }
  save_safetensors(folder / "case.safetensors", tensors);
}

/// The layout whose errors passed the limits that were once taken from the golden cases.
ModelConfig sensitive_config() {
  ModelConfig config = tiny_config();
  config.vocab_size = 61;
  config.num_layers = 4;
  config.width = 24;
  config.ffn_width = 44;
  config.window = 12;
  config.segment = 12;
  config.recurrent_layers = {1, 2};
  config.gate = GateType::kLstm;
  config.feedback = true;
  return config;
}

TEST(EngineSelftestInt8, SensitiveModelsKeepTheLimitsOfTheErrorModel) {
  for (const CellType cell : {CellType::kSkip, CellType::kDual, CellType::kSingle}) {
    for (const uint64_t seed : {1, 2, 3, 4}) {
      ModelConfig config = sensitive_config();
      config.cell = cell;
      const ScratchFolder folder;
      write_case(folder.path(), random_model(config, seed), seed);
      for (const WeightFormat format : {WeightFormat::kFloat32, WeightFormat::kInt8}) {
        const SelftestResult result = run_engine_selftest_case(folder.path(), format);
        EXPECT_TRUE(result.passed()) << figures_of(result) << " seed " << seed;
      }
    }
  }
}

TEST(EngineSelftestInt8, NumbersOfAnotherModelDoNotPass) {
  const ScratchFolder folder;
  write_case(folder.path(), random_model(sensitive_config(), 1), 1);
  save_model(folder.path(), random_model(sensitive_config(), 2), "");
  const SelftestResult result = run_engine_selftest_case(folder.path(), WeightFormat::kInt8);
  ASSERT_EQ(result.figures.size(), 2U) << result.failure;
  for (const SelftestFigure& figure : result.figures) {
    EXPECT_FALSE(figure.passed()) << figure.name << " " << figure.error << " of " << figure.limit;
  }
}

TEST(Int8Error, ProductsInSequenceFollowTheStateThroughRememberedBlocks) {
  ModelConfig config = sensitive_config();  // 4 layers, 2 cells
  EXPECT_EQ(products_in_sequence(config, 1), 4 * 4 + 2 * 3);
  EXPECT_EQ(products_in_sequence(config, 9), (4 * 4 + 2 * 3) * 4);
  config.feedback = false;
  EXPECT_EQ(products_in_sequence(config, 9), 4 * 4 + 2 * 3 * 4);
  config.cell = CellType::kDual;
  EXPECT_EQ(products_in_sequence(config, 2), 4 * 4 + 2 * 5 * 2);
  config.recurrent_layers = {};
  EXPECT_EQ(products_in_sequence(config, 9), 16);
}

TEST(Int8Error, TheLimitGrowsWithTheErrorAndTheNumbersSize) {
  const std::vector<float> numbers = {3.0F, -4.0F, 0.0F, 0.0F};  // root mean square 2.5
  EXPECT_DOUBLE_EQ(int8_limit(0.01, numbers), 18.0 * 0.01 * 2.5);
  EXPECT_DOUBLE_EQ(int8_limit(0.01, {}), 0.0);
}

TEST(EngineSelftestFailure, AFolderThatIsNoModelFailsWithItsReason) {
  const SelftestResult result = run_engine_selftest_case("no/such/folder", WeightFormat::kFloat32);
  EXPECT_FALSE(result.passed());
  EXPECT_NE(result.failure.find("config.json"), std::string::npos) << result.failure;
}

}  // namespace
}  // namespace brt
