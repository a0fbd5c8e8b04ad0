// SPDX-License-Identifier: Apache-2.0
// A layer's tensors in the form in which they are computed with.
#include "engine/layer_weights.h"

#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "base/error.h"
#include "engine/packed_case.h"
#include "support/text_assertions.h"

namespace brt {
namespace {

LayerWeights read_from(const TinyModelFolder& folder, const ModelConfig& config, int64_t index) {
  MappedSafetensors file(folder.path() / "model.safetensors");
  TensorReader tensors(file);
  return read_layer(config, WeightFormat::kFloat32, index, tensors);
}

TEST(LayerWeights, ScalesLoseTheirSignAndBiasesFollowTheDistance) {
  const ModelConfig config = case_config(/*window=*/20);
  const TinyModelFolder folder(config, 5);
  const PlainWeights plain(folder.path());
  const LayerWeights layer = read_from(folder, config, 0);
  const PlainVector scale = plain.vector("layers.0.attention.scale");
  const PlainRows table = plain.rows("layers.0.attention.position_bias");
  for (size_t head = 0; head < 3; ++head) {
    EXPECT_EQ(layer.scale_H[head], std::abs(scale[head]));
    for (int64_t w = 0; w < 20; ++w) {
      const int64_t bucket = position_bucket(20 - w, config.num_buckets, config.max_distance);
      EXPECT_EQ(layer.bias_HW[head * 20 + static_cast<size_t>(w)],
                table[head][static_cast<size_t>(bucket)]);
    }
  }
}

TEST(LayerWeights, WithoutUnitAttentionScalesAreOne) {
  ModelConfig config = case_config(/*window=*/4);
  config.unit_attention = false;
  config.position = PositionType::kNone;
  const TinyModelFolder folder(config, 5);
  const LayerWeights layer = read_from(folder, config, 1);
  EXPECT_EQ(layer.scale_H, std::vector<float>(3, 1.0F));
  EXPECT_EQ(layer.cell->cross_scale_H, std::vector<float>(3, 1.0F));
  EXPECT_TRUE(layer.bias_HW.empty());
}

TEST(LayerWeights, OnlyRecurrentLayersHaveACellAndCrossQueries) {
  const ModelConfig config = case_config(/*window=*/4);
  const TinyModelFolder folder(config, 5);
  const LayerWeights ordinary = read_from(folder, config, 0);
  const LayerWeights recurrent = read_from(folder, config, 1);
  EXPECT_FALSE(ordinary.cell.has_value());
  EXPECT_FALSE(ordinary.attends_to_states);
  EXPECT_EQ(ordinary.qkv.num_sources(), 3);
  EXPECT_EQ(ordinary.output.depth(), 24);
  EXPECT_TRUE(recurrent.cell.has_value());
  EXPECT_TRUE(recurrent.attends_to_states);
  EXPECT_EQ(recurrent.qkv.num_sources(), 4);
  EXPECT_EQ(recurrent.output.depth(), 48);
}

TEST(LayerWeights, AFixedGateHoldsItsSigmoid) {
  const ModelConfig config = case_config(/*window=*/4);
  const TinyModelFolder folder(config, 5);
  const LayerWeights layer = read_from(folder, config, 1);
  const PlainVector bias = PlainWeights(folder.path()).vector("layers.1.cell.gate.bias");
  for (size_t d = 0; d < bias.size(); ++d) {
    EXPECT_FLOAT_EQ(layer.cell->gate.keep_D[d], static_cast<float>(sigmoid(bias[d])));
  }
}

TEST(LayerWeights, MatricesOfALstmGateStandBesideWhatTheyShareTheInputWith) {
  for (const CellType cell : {CellType::kDual, CellType::kSingle, CellType::kSkip}) {
    ModelConfig config = case_config(/*window=*/4);
    config.gate = GateType::kLstm;
    config.cell = cell;
    const TinyModelFolder folder(config, 5);
    const CellWeights weights = *read_from(folder, config, 1).cell;
    EXPECT_EQ(weights.token_projection.num_sources(), cell == CellType::kSingle ? 1 : 3);
    EXPECT_EQ(weights.down.num_sources(), cell == CellType::kSkip ? 0 : 3);
    EXPECT_EQ(weights.up.num_sources(), cell == CellType::kDual ? 1 : 0);
    EXPECT_EQ(weights.state_projection.depth(), 24);
    EXPECT_TRUE(weights.gate.keep_D.empty());
    EXPECT_EQ(weights.gate.input_bias_D.size(), 16u);
  }
}

TEST(LayerWeights, WhatIsMissingIsReportedWhenTheReaderEnds) {
  const ModelConfig config = case_config(/*window=*/4);
  const TinyModelFolder folder(config, 5);
  MappedSafetensors file(folder.path() / "model.safetensors");
  TensorReader tensors(file);
  read_layer(config, WeightFormat::kFloat32, 7, tensors);
  const std::string message = thrown_message<CheckpointError>([&] { tensors.finish(); });
  EXPECT_TRUE(contains(message, "layers.7.attention_norm.weight")) << message;
}

}  // namespace
}  // namespace brt
