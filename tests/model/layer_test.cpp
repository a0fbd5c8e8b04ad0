// SPDX-License-Identifier: Apache-2.0
// One layer: what it keeps, what it reads, and that pieces equal the whole.
#include "model/layer.h"

#include <gtest/gtest.h>

#include "model/model_fixtures.h"
#include "support/tolerance.h"

namespace brt {
namespace {

Layer random_layer(const ModelConfig& config, int64_t index) {
  Layer layer(config, index);
  const at::NoGradGuard no_gradient;
  uint64_t seed = 1;
  for (at::Tensor& parameter : layer->parameters()) {
    parameter.copy_(random_tensor(parameter.sizes(), seed++, at::kDouble, 0.5));
  }
  return layer;
}

LayerInput random_input(const ModelConfig& config, int64_t tokens, bool recurrent) {
  LayerInput input;
  input.hidden_BND = random_tensor({2, tokens, config.width}, 50, at::kFloat);
  input.carry.keys_BMHK = random_tensor({2, config.window, 2, 4}, 51, at::kFloat);
  input.carry.values_BMHK = random_tensor({2, config.window, 2, 4}, 52, at::kFloat);
  if (recurrent) {
    input.carry.state_BSD = random_tensor({2, config.num_states, config.width}, 53, at::kFloat);
  }
  return input;
}

/// The layer over the tokens in pieces of the given sizes.
LayerOutput in_pieces(Layer& layer, const LayerInput& whole, const std::vector<int64_t>& sizes) {
  LayerInput input = whole;
  std::vector<at::Tensor> parts;
  int64_t begin = 0;
  for (const int64_t size : sizes) {
    input.hidden_BND = whole.hidden_BND.narrow(1, begin, size);
    const LayerOutput output = layer->forward(input, {});
    parts.push_back(output.hidden_BND);
    input.carry = output.carry;
    begin += size;
  }
  return {at::cat(parts, 1), input.carry};
}

TEST(Layer, PiecesEqualTheWhole) {
  const at::NoGradGuard no_gradient;
  const ModelConfig config = tiny_config("rec-lstm-dual");
  for (const int64_t index : {0, 1}) {
    Layer layer = random_layer(config, index);
    const LayerInput input = random_input(config, 6, /*recurrent=*/index == 1);
    const LayerOutput whole = layer->forward(input, {});
    for (const std::vector<int64_t>& sizes :
         {std::vector<int64_t>{3, 3}, {1, 2, 3}, {2, 1, 1, 1, 1}}) {
      const LayerOutput parts = in_pieces(layer, input, sizes);
      EXPECT_TRUE(near(parts.hidden_BND, whole.hidden_BND, tolerance::kFloat32));
      EXPECT_TRUE(near(parts.carry.keys_BMHK, whole.carry.keys_BMHK, tolerance::kFloat32));
      EXPECT_TRUE(near(parts.carry.values_BMHK, whole.carry.values_BMHK, tolerance::kFloat32));
      if (index == 1) {
        EXPECT_TRUE(near(parts.carry.state_BSD, whole.carry.state_BSD, tolerance::kFloat32));
      }
    }
  }
}

TEST(Layer, KeepsTheLastWholeBlockAndWhatWasReadOfTheNext) {
  const at::NoGradGuard no_gradient;
  const ModelConfig config = tiny_config("rec-fixed-skip");
  Layer layer = random_layer(config, 1);
  LayerInput input = random_input(config, 3, true);
  const LayerOutput first = layer->forward(input, {});
  EXPECT_EQ(first.carry.keys_BMHK.size(1), 3);
  EXPECT_FALSE(first.carry.qkv.defined());
  input.carry = first.carry;
  input.hidden_BND = input.hidden_BND.narrow(1, 0, 2);
  const LayerOutput second = layer->forward(input, {});
  EXPECT_EQ(second.carry.keys_BMHK.size(1), 5);
  EXPECT_TRUE(bit_equal(second.carry.keys_BMHK.narrow(1, 0, 3), first.carry.keys_BMHK));
  EXPECT_TRUE(second.carry.qkv.defined());
  EXPECT_TRUE(bit_equal(second.carry.state_BSD, first.carry.state_BSD));
}

TEST(Layer, StateMovesOnlyAtTheEndOfABlock) {
  const at::NoGradGuard no_gradient;
  const ModelConfig config = tiny_config("rec-fixed-skip");
  Layer layer = random_layer(config, 1);
  LayerInput input = random_input(config, 2, true);
  const LayerOutput within = layer->forward(input, {});
  EXPECT_TRUE(bit_equal(within.carry.state_BSD, input.carry.state_BSD));
  input.carry = within.carry;
  input.hidden_BND = input.hidden_BND.narrow(1, 0, 1);
  EXPECT_FALSE(bit_equal(layer->forward(input, {}).carry.state_BSD, within.carry.state_BSD));
}

TEST(Layer, WithFeedbackAnOrdinaryLayerReadsTheStatesItIsGiven) {
  const at::NoGradGuard no_gradient;
  const ModelConfig config = tiny_config("feedback-fixed-skip");
  Layer layer = random_layer(config, 0);
  LayerInput input = random_input(config, 3, false);
  input.feedback.keys_BSHK = random_tensor({2, 5, 2, 4}, 60, at::kFloat);
  input.feedback.values_BSHK = random_tensor({2, 5, 2, 4}, 61, at::kFloat);
  const at::Tensor before = layer->forward(input, {}).hidden_BND;
  input.feedback.values_BSHK = input.feedback.values_BSHK.clone();
  input.feedback.values_BSHK[1].add_(1.0);
  const at::Tensor after = layer->forward(input, {}).hidden_BND;
  EXPECT_TRUE(bit_equal(after[0], before[0]));
  EXPECT_FALSE(near(after[1], before[1], 1e-3));
}

TEST(Layer, WithFeedbackARecurrentLayerReadsItsOwnState) {
  const at::NoGradGuard no_gradient;
  const ModelConfig config = tiny_config("feedback-fixed-skip");
  Layer layer = random_layer(config, 1);
  LayerInput input = random_input(config, 3, true);
  const at::Tensor before = layer->forward(input, {}).hidden_BND;
  input.feedback.keys_BSHK = random_tensor({2, 5, 2, 4}, 60, at::kFloat);
  input.feedback.values_BSHK = random_tensor({2, 5, 2, 4}, 61, at::kFloat);
  EXPECT_TRUE(bit_equal(layer->forward(input, {}).hidden_BND, before));
}

TEST(Layer, DropoutMasksDifferByPiece) {
  const at::NoGradGuard no_gradient;
  const ModelConfig config = tiny_config("slide");
  Layer layer = random_layer(config, 0);
  LayerInput input = random_input(config, 3, false);
  ForwardOptions options;
  options.dropout = 0.5;
  const at::Tensor first = layer->forward(input, options).hidden_BND;
  EXPECT_TRUE(bit_equal(layer->forward(input, options).hidden_BND, first));
  input.piece = 1;
  EXPECT_FALSE(bit_equal(layer->forward(input, options).hidden_BND, first));
}

}  // namespace
}  // namespace brt
