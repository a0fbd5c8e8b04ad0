// SPDX-License-Identifier: Apache-2.0
// Names and shapes of all parameters against the table of checkpoint names, for every kind of
// model.
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "model/model_fixtures.h"

namespace brt {
namespace {

using Shapes = std::map<std::string, std::vector<int64_t>>;

constexpr int64_t kD = 6;
constexpr int64_t kHeads = 2;
constexpr int64_t kHK = 8;
constexpr int64_t kF = 7;
constexpr int64_t kS = 5;

void add_gate(Shapes& shapes, const std::string& name, const ModelConfig& config, int64_t source) {
  if (config.gate == GateType::kFixed) {
    shapes[name + ".bias"] = {kD};
    return;
  }
  for (const std::string projection : {".input", ".forget"}) {
    shapes[name + projection + ".weight"] = {kD, source};
    shapes[name + projection + ".bias"] = {kD};
  }
}

void add_cell(Shapes& shapes, const std::string& cell, const ModelConfig& config) {
  shapes[cell + "initial_state"] = {kS, kD};
  shapes[cell + "state_ids"] = {kS, kD};
  shapes[cell + "state_norm.weight"] = {kD};
  for (const std::string projection : {"key", "value", "query", "cross_query"}) {
    shapes[cell + projection + ".weight"] = {kHK, kD};
  }
  if (config.unit_attention) {
    shapes[cell + "scale"] = {kHeads};
    shapes[cell + "cross_scale"] = {kHeads};
  }
  if (config.cell != CellType::kSingle) {
    shapes[cell + "output.weight"] = {kD, 2 * kHK};
  }
  if (config.cell == CellType::kDual) {
    shapes[cell + "ffn_norm.weight"] = {kD};
    add_gate(shapes, cell + "ffn_gate", config, kF);
  }
  if (config.cell != CellType::kSkip) {
    shapes[cell + "ffn.up.weight"] = {kF, config.cell == CellType::kSingle ? 2 * kHK : kD};
    shapes[cell + "ffn.down.weight"] = {kD, kF};
  }
  add_gate(shapes, cell + "gate", config, config.cell == CellType::kSingle ? kF : 2 * kHK);
}

void add_layer(Shapes& shapes, int64_t index, const ModelConfig& config) {
  const std::string layer = "layers." + std::to_string(index) + ".";
  const bool recurrent = config.recurrent_layers == std::vector<int64_t>{index};
  const bool attends_to_states = recurrent || config.feedback;
  for (const std::string projection : {"query", "key", "value"}) {
    shapes[layer + "attention." + projection + ".weight"] = {kHK, kD};
  }
  shapes[layer + "attention.output.weight"] = {kD, attends_to_states ? 2 * kHK : kHK};
  shapes[layer + "attention_norm.weight"] = {kD};
  shapes[layer + "ffn_norm.weight"] = {kD};
  shapes[layer + "ffn.up.weight"] = {kF, kD};
  shapes[layer + "ffn.down.weight"] = {kD, kF};
  if (config.unit_attention) {
    shapes[layer + "attention.scale"] = {kHeads};
  }
  if (config.position == PositionType::kT5) {
    shapes[layer + "attention.position_bias"] = {kHeads, 32};
  }
  if (attends_to_states) {
    shapes[layer + "attention.cross_query.weight"] = {kHK, kD};
    if (config.unit_attention) {
      shapes[layer + "attention.cross_scale"] = {kHeads};
    }
  }
  if (recurrent) {
    add_cell(shapes, layer + "cell.", config);
  }
}

Shapes expected_shapes(const ModelConfig& config) {
  Shapes shapes = {{"embedding.weight", {11, kD}}, {"final_norm.weight", {kD}}};
  for (int64_t i = 0; i < config.num_layers; ++i) {
    add_layer(shapes, i, config);
  }
  return shapes;
}

Shapes shapes_of(const LanguageModel& model) {
  Shapes shapes;
  for (const auto& parameter : model->named_parameters()) {
    shapes[parameter.key()] = parameter.value().sizes().vec();
  }
  return shapes;
}

/// Every preset with every kind of position and attention.
std::vector<NamedConfig> combinations() {
  std::vector<NamedConfig> configs;
  for (NamedConfig named : preset_configs()) {
    for (const PositionType position :
         {PositionType::kT5, PositionType::kNone, PositionType::kRotary}) {
      for (const bool unit_attention : {true, false}) {
        named.config.num_buckets = 32;
        named.config.max_distance = 128;
        named.config.position = position;
        named.config.unit_attention = unit_attention;
        configs.push_back(named);
      }
    }
  }
  return configs;
}

TEST(ParameterNames, AreThoseOfCheckpointsForEveryKindOfModel) {
  for (const NamedConfig& named : combinations()) {
    EXPECT_EQ(shapes_of(LanguageModel(named.config)), expected_shapes(named.config)) << named.name;
  }
}

TEST(ParameterNames, CountEqualsTheConfigsCount) {
  for (const NamedConfig& named : combinations()) {
    int64_t count = 0;
    for (const at::Tensor& parameter : LanguageModel(named.config)->parameters()) {
      count += parameter.numel();
    }
    EXPECT_EQ(count, count_parameters(named.config)) << named.name;
  }
}

TEST(ParameterNames, EveryParameterIsFloat32AndTrained) {
  for (const auto& parameter :
       LanguageModel(tiny_config("feedback-lstm-dual"))->named_parameters()) {
    EXPECT_EQ(parameter.value().scalar_type(), at::kFloat) << parameter.key();
    EXPECT_TRUE(parameter.value().requires_grad()) << parameter.key();
  }
}

}  // namespace
}  // namespace brt
