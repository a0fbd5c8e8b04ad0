// SPDX-License-Identifier: Apache-2.0
// The distributions of first values, and that each parameter has a stream of its own.
#include <cmath>

#include <gtest/gtest.h>

#include "model/model_fixtures.h"

namespace brt {
namespace {

/// Large enough for statistics: every matrix has some ten thousand elements.
ModelConfig wide_config(GateType gate) {
  ModelConfig config = tiny_config("rec-fixed-dual");
  config.vocab_size = 200;
  config.num_layers = 2;
  config.width = 100;
  config.num_heads = 8;
  config.head_size = 16;
  config.ffn_width = 150;
  config.num_states = 90;
  config.num_buckets = 32;
  config.max_distance = 128;
  config.gate = gate;
  return config;
}

LanguageModel fresh_model(const ModelConfig& config, uint64_t seed) {
  LanguageModel model(config);
  initialize(model, seed);
  return model;
}

at::Tensor parameter_of(const LanguageModel& model, const std::string& name) {
  return model->named_parameters()[name].detach();
}

/// Mean 0 and the given deviation, within four standard errors of n draws.
void expect_moments(const LanguageModel& model, const std::string& name, double deviation) {
  const at::Tensor values = parameter_of(model, name).to(at::kDouble);
  const double root = std::sqrt(static_cast<double>(values.numel()));
  EXPECT_NEAR(values.mean().item<double>(), 0.0, 4.0 * deviation / root) << name;
  EXPECT_NEAR(values.std().item<double>(), deviation, 4.0 * deviation / root) << name;
}

/// A normal cut at two of its own deviations, then widened to the given one.
void expect_truncated(const LanguageModel& model, const std::string& name, double deviation) {
  expect_moments(model, name, deviation);
  const double cut = 2.0 * deviation / 0.87962566103423978;
  const double largest = parameter_of(model, name).abs().max().item<double>();
  EXPECT_LE(largest, cut * (1.0 + 1e-6)) << name;
  EXPECT_GT(largest, 0.97 * cut) << name;
}

TEST(Initialize, MatricesAreTruncatedNormalWithVarianceOneOverFanIn) {
  const LanguageModel model = fresh_model(wide_config(GateType::kFixed), 1);
  const std::vector<std::pair<std::string, double>> fan_in = {
      {"layers.0.attention.query.weight", 100},  {"layers.0.attention.output.weight", 128},
      {"layers.0.ffn.up.weight", 100},           {"layers.0.ffn.down.weight", 150},
      {"layers.1.attention.output.weight", 256}, {"layers.1.attention.cross_query.weight", 100},
      {"layers.1.cell.key.weight", 100},         {"layers.1.cell.output.weight", 256},
      {"layers.1.cell.ffn.down.weight", 150}};
  for (const auto& [name, inputs] : fan_in) {
    expect_truncated(model, name, std::sqrt(1.0 / inputs));
  }
}

TEST(Initialize, GateMatricesHaveATenthOfTheVariance) {
  const LanguageModel model = fresh_model(wide_config(GateType::kLstm), 1);
  for (const std::string projection : {"input", "forget"}) {
    expect_truncated(model, "layers.1.cell.gate." + projection + ".weight", std::sqrt(0.1 / 256));
    expect_truncated(model, "layers.1.cell.ffn_gate." + projection + ".weight",
                     std::sqrt(0.1 / 150));
    expect_moments(model, "layers.1.cell.gate." + projection + ".bias", 0.1);
  }
}

TEST(Initialize, TablesStatesAndBiasesAreNormal) {
  const LanguageModel model = fresh_model(wide_config(GateType::kFixed), 1);
  expect_moments(model, "embedding.weight", 1.0);
  expect_moments(model, "layers.1.cell.state_ids", 1.0);
  expect_moments(model, "layers.1.cell.initial_state", 0.1);
  expect_moments(model, "layers.1.cell.gate.bias", 0.1);
  expect_moments(model, "layers.0.attention.position_bias", std::sqrt(1.0 / 32));
  EXPECT_GT(parameter_of(model, "embedding.weight").abs().max().item<double>(), 3.0) << "not cut";
}

TEST(Initialize, GainsAndScalesAreOne) {
  const LanguageModel model = fresh_model(wide_config(GateType::kFixed), 1);
  for (const std::string name :
       {"final_norm.weight", "layers.0.attention_norm.weight", "layers.0.ffn_norm.weight",
        "layers.0.attention.scale", "layers.1.attention.cross_scale", "layers.1.cell.scale",
        "layers.1.cell.cross_scale", "layers.1.cell.state_norm.weight",
        "layers.1.cell.ffn_norm.weight"}) {
    const at::Tensor values = parameter_of(model, name);
    EXPECT_TRUE(bit_equal(values, at::ones_like(values))) << name;
  }
}

TEST(Initialize, IsAFunctionOfTheSeed) {
  const ModelConfig config = tiny_config("rec-lstm-dual");
  const LanguageModel model = fresh_model(config, 1);
  const LanguageModel same = fresh_model(config, 1);
  const LanguageModel other = fresh_model(config, 2);
  for (const auto& parameter : model->named_parameters()) {
    EXPECT_TRUE(bit_equal(parameter_of(same, parameter.key()), parameter.value()))
        << parameter.key();
  }
  EXPECT_FALSE(
      bit_equal(parameter_of(other, "embedding.weight"), parameter_of(model, "embedding.weight")));
}

TEST(Initialize, OneLayerMoreDoesNotChangeTheOthers) {
  ModelConfig config = tiny_config("rec-lstm-dual");
  const LanguageModel model = fresh_model(config, 1);
  config.num_layers = 4;
  const LanguageModel taller = fresh_model(config, 1);
  for (const auto& parameter : model->named_parameters()) {
    EXPECT_TRUE(bit_equal(parameter_of(taller, parameter.key()), parameter.value()))
        << parameter.key();
  }
}

TEST(Initialize, NoTwoParametersShareAStream) {
  const LanguageModel model = fresh_model(tiny_config("rec-lstm-dual"), 1);
  const at::Tensor query = parameter_of(model, "layers.0.attention.query.weight");
  EXPECT_FALSE(at::equal(query, parameter_of(model, "layers.0.attention.key.weight")));
  EXPECT_FALSE(at::equal(query, parameter_of(model, "layers.1.attention.query.weight")));
}

}  // namespace
}  // namespace brt
