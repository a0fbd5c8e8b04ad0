// SPDX-License-Identifier: Apache-2.0
// Carries as values: made, copied, cut, joined, named.
#include "model/carry.h"

#include <gtest/gtest.h>

#include <ATen/ops/full.h>

#include "base/error.h"
#include "model/model_fixtures.h"

namespace brt {
namespace {

/// What a model left after `tokens` tokens of each of three lanes.
Carry some_carry(const ModelConfig& config, int64_t tokens = 6) {
  const at::NoGradGuard no_gradient;
  LanguageModel model = make_model(config);
  return read_from_start(model, random_tokens({3, tokens}, config.vocab_size, 5)).carry;
}

TEST(Carry, AMadeOneHoldsZerosOfTheModelsSizes) {
  const ModelConfig config = tiny_config("rec-fixed-skip");
  const Carry carry = make_carry(config, /*lanes=*/2, at::kBFloat16);
  ASSERT_EQ(carry.layers.size(), 3u);
  for (const LayerCarry& layer : carry.layers) {
    EXPECT_TRUE(bit_equal(layer.keys_BMHK, at::zeros({2, 3, 2, 4}, at::kBFloat16)));
    EXPECT_TRUE(bit_equal(layer.values_BMHK, at::zeros({2, 3, 2, 4}, at::kBFloat16)));
  }
  EXPECT_FALSE(carry.layers[0].state_BSD.defined());
  EXPECT_TRUE(bit_equal(carry.layers[1].state_BSD, at::zeros({2, 5, 6}, at::kFloat)));
  EXPECT_TRUE(bit_equal(carry.position_B, at::zeros({2}, at::kLong)));
  EXPECT_EQ(carry.tokens_in_block(config), 0);
}

TEST(Carry, StateIsFloat64InAFloat64Carry) {
  const Carry carry = make_carry(tiny_config("rec-fixed-skip"), 1, at::kDouble);
  EXPECT_EQ(carry.layers[1].state_BSD.scalar_type(), at::kDouble);
}

TEST(Carry, CountsTheTokensOfTheBlockUnderWay) {
  const ModelConfig config = tiny_config("rec-fixed-skip");
  EXPECT_EQ(some_carry(config, 6).tokens_in_block(config), 0);
  EXPECT_EQ(some_carry(config, 8).tokens_in_block(config), 2);
}

TEST(Carry, TensorsAreNamedByLayer) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : some_carry(tiny_config("rec-fixed-skip")).tensors()) {
    names.push_back(name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"keys.0", "keys.1", "keys.2", "position", "state.1",
                                             "values.0", "values.1", "values.2"}));
}

TEST(Carry, RoundTripThroughTensorsKeepsEveryBit) {
  for (const int64_t tokens : {6, 8}) {
    const ModelConfig config = tiny_config("rec-fixed-skip");
    const Carry carry = some_carry(config, tokens);
    EXPECT_TRUE(same_carry(carry_from_tensors(config, carry.tensors()), carry));
  }
}

TEST(Carry, AChangedCloneLeavesTheOriginal) {
  const Carry carry = some_carry(tiny_config("rec-fixed-skip"));
  const at::Tensor before = carry.layers[1].state_BSD.clone();
  const Carry copy = clone(carry);
  EXPECT_TRUE(same_carry(copy, carry));
  copy.layers[1].state_BSD.add_(1.0);
  copy.layers[0].keys_BMHK.add_(1.0);
  EXPECT_TRUE(bit_equal(carry.layers[1].state_BSD, before));
  EXPECT_FALSE(bit_equal(carry.layers[0].keys_BMHK, copy.layers[0].keys_BMHK));
}

TEST(Carry, DetachCutsEveryTensorFromTheGraph) {
  const ModelConfig config = tiny_config("rec-fixed-skip");
  LanguageModel model = make_model(config);
  const Carry carry = read_from_start(model, random_tokens({2, 8}, 11, 5)).carry;
  ASSERT_TRUE(carry.layers[1].state_BSD.requires_grad());
  ASSERT_TRUE(carry.layers[1].qkv.defined());
  const Carry cut = detach(carry);
  EXPECT_TRUE(same_carry(cut, carry));
  for (const auto& [name, tensor] : cut.tensors()) {
    EXPECT_FALSE(tensor.requires_grad()) << name;
  }
  EXPECT_FALSE(cut.layers[1].qkv.keys_BSHK.requires_grad());
  EXPECT_FALSE(cut.layers[1].qkv.cross_query_BSHK.requires_grad());
}

TEST(Carry, SlicedLanesJoinToTheWhole) {
  const Carry carry = some_carry(tiny_config("rec-fixed-skip"));
  const Carry first = slice_lanes(carry, 0, 1);
  const Carry rest = slice_lanes(carry, 1, 3);
  EXPECT_TRUE(bit_equal(rest.layers[1].state_BSD, carry.layers[1].state_BSD.narrow(0, 1, 2)));
  EXPECT_TRUE(bit_equal(first.position_B, carry.position_B.narrow(0, 0, 1)));
  EXPECT_TRUE(same_carry(join_lanes({first, rest}), carry));
  EXPECT_TRUE(same_carry(join_lanes({carry}), carry));
}

TEST(Carry, ZeroStateKeepsCachesAndPositions) {
  const Carry carry = some_carry(tiny_config("rec-fixed-skip"));
  const Carry zeroed = with_zero_state(carry);
  std::map<std::string, at::Tensor> want = carry.tensors();
  want["state.1"] = at::zeros_like(want["state.1"]);
  EXPECT_TRUE(same_carry(zeroed, carry_from_tensors(tiny_config("rec-fixed-skip"), want)));
  EXPECT_GT(carry.layers[1].state_BSD.abs().sum().item<double>(), 0.0);
}

TEST(Carry, JoiningNothingIsAnError) {
  EXPECT_EQ(message_of<ShapeError>([] { join_lanes({}); }), "join_lanes: no carry given");
}

TEST(Carry, TensorsThatDoNotFitAreNamed) {
  const ModelConfig config = tiny_config("rec-fixed-skip");
  const auto message = [&](const std::string& name, const at::Tensor& replacement) {
    std::map<std::string, at::Tensor> tensors = some_carry(config).tensors();
    tensors.erase(name);
    if (replacement.defined()) {
      tensors[name] = replacement;
    }
    return message_of<CheckpointError>([&] { carry_from_tensors(config, tensors); });
  };
  EXPECT_EQ(message("position", {}), "carry: tensor position is missing or not int64 [lanes]");
  EXPECT_EQ(message("position", at::zeros({3})),
            "carry: tensor position is missing or not int64 [lanes]");
  EXPECT_EQ(message("keys.0", {}), "carry: tensor keys.0 is missing");
  EXPECT_EQ(message("values.2", {}), "carry: tensor values.2 is missing");
  EXPECT_EQ(message("state.1", {}), "carry: tensor state.1 is missing");
  EXPECT_EQ(message("keys.0", at::zeros({3, 2, 2, 4})),
            "carry: keys.0 must hold 3 to 5 keys, got 2");
  EXPECT_EQ(message("keys.0", at::zeros({3, 6, 2, 4})),
            "carry: keys.0 must hold 3 to 5 keys, got 6");
  EXPECT_EQ(message("keys.1", at::zeros({3, 4, 2, 4})),
            "carry: keys.1 must be [3, 3, 2, 4], got [3, 4, 2, 4]");
  EXPECT_EQ(message("state.1", at::zeros({3, 6, 5})),
            "carry: state.1 must be [3, 5, 6], got [3, 6, 5]");
}

TEST(Carry, NumbersOfOtherKindsAreNamed) {
  const ModelConfig config = tiny_config("rec-fixed-skip");
  const auto message = [&](const std::string& name, const at::Tensor& replacement) {
    std::map<std::string, at::Tensor> tensors = some_carry(config).tensors();
    tensors[name] = replacement;
    return message_of<CheckpointError>([&] { carry_from_tensors(config, tensors); });
  };
  const std::map<std::string, at::Tensor> sound = some_carry(config).tensors();
  EXPECT_EQ(message("keys.0", sound.at("keys.0").to(at::kLong)),
            "carry: keys.0 must be of a floating-point type, got Long");
  EXPECT_EQ(message("state.1", sound.at("state.1").to(at::kBool)),
            "carry: state.1 must be of a floating-point type, got Bool");
  EXPECT_EQ(message("values.2", sound.at("values.2").to(at::kBFloat16)),
            "carry: keys.2 and values.2 must be of the type of keys.0");
  EXPECT_EQ(message("position", at::full({3}, -1, at::kLong)),
            "carry: position of lane 0 must be from 0 to 4611686018427387904, got -1");
}

}  // namespace
}  // namespace brt
