// SPDX-License-Identifier: Apache-2.0
// A model folder as packed weights.
#include "engine/packed_model.h"

#include <string>

#include <gtest/gtest.h>

#include "base/error.h"
#include "engine/packed_case.h"
#include "support/text_assertions.h"

namespace brt {
namespace {

TEST(PackedModel, EmbeddingAndNormAreThoseOfTheFile) {
  const PackedCase model(case_config(/*window=*/4));
  const PlainWeights plain(model.folder.path());
  const PlainRows embedding = plain.rows("embedding.weight");
  for (size_t token = 0; token < embedding.size(); ++token) {
    for (size_t d = 0; d < 16; ++d) {
      ASSERT_EQ(model.model.embedding()[token * 16 + d], embedding[token][d]);
    }
  }
  const PlainVector norm = plain.vector("final_norm.weight");
  EXPECT_TRUE(std::ranges::equal(model.model.final_norm(), norm));
}

TEST(PackedModel, AStepReadsTheLayersAndTheEmbedding) {
  for (const WeightFormat format :
       {WeightFormat::kFloat32, WeightFormat::kBfloat16, WeightFormat::kInt8}) {
    const PackedCase model(case_config(/*window=*/4), format);
    int64_t bytes = model.model.logits().bytes();
    for (const int64_t i : {0, 1}) {
      const LayerWeights& layer = model.model.layer(i);
      bytes += layer.qkv.bytes() + layer.output.bytes() + layer.up.bytes() + layer.down.bytes();
    }
    EXPECT_EQ(model.model.bytes_per_token(), bytes) << to_word(format);
  }
}

TEST(PackedModel, EveryThreadCountPacksTheSameBytes) {
  const PackedCase one(case_config(/*window=*/4), WeightFormat::kInt8, /*threads=*/1);
  const PackedCase three(case_config(/*window=*/4), WeightFormat::kInt8, /*threads=*/3);
  for (const int64_t i : {0, 1}) {
    const WeightMatrix& wanted = one.model.layer(i).qkv;
    const std::byte* bytes = three.model.layer(i).qkv.panel(0);
    EXPECT_TRUE(std::equal(bytes, bytes + wanted.bytes(), wanted.panel(0)));
  }
}

TEST(PackedModel, FingerprintFollowsTheWeightsNotTheirFormat) {
  const PackedCase model(case_config(/*window=*/4));
  const PackedCase rounded(case_config(/*window=*/4), WeightFormat::kInt8);
  EXPECT_EQ(model.model.fingerprint(), rounded.model.fingerprint());
  model.folder.change("final_norm.weight",
                      [](float& value, int64_t index) { value = index == 3 ? 0.25F : value; });
  ThreadTeam team(1);
  const PackedModel changed(model.folder.path(), WeightFormat::kFloat32, team);
  EXPECT_NE(changed.fingerprint(), model.model.fingerprint());
}

TEST(PackedModel, AFolderWithoutConfigIsRefused) {
  const ScratchFolder empty;
  ThreadTeam team(1);
  const std::string message = thrown_message<CheckpointError>(
      [&] { const PackedModel model(empty.path(), WeightFormat::kFloat32, team); });
  EXPECT_TRUE(contains(message, "has no config.json")) << message;
}

TEST(PackedModel, AllTensorsThatDoNotFitAreNamedAtOnce) {
  const TinyModelFolder folder;
  WeightsFile weights = tiny_weights(tiny_config(), 3);
  weights.header["surplus.weight"] = weights.header["layers.0.ffn.up.weight"];
  weights.header.erase("layers.0.ffn.up.weight");
  put_bytes(folder.path() / "model.safetensors", weights.bytes());
  ThreadTeam team(1);
  const std::string message = thrown_message<CheckpointError>(
      [&] { const PackedModel model(folder.path(), WeightFormat::kFloat32, team); });
  EXPECT_TRUE(contains(message, "layers.0.ffn.up.weight")) << message;
  EXPECT_TRUE(contains(message, "surplus.weight")) << message;
}

}  // namespace
}  // namespace brt
