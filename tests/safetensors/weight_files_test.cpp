// SPDX-License-Identifier: Apache-2.0
// Models in shards: read as one, and every way in which index and shards can disagree.
#include "safetensors/weight_files.h"

#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "checkpoint/scratch_folder.h"
#include "safetensors/mapped_safetensors.h"

namespace brt {
namespace {

namespace fs = std::filesystem;

class Shards : public testing::Test {
 protected:
  ScratchFolder scratch_;

  /// A file with tensors of one number each.
  void put_shard(const std::string& file,
                 const std::vector<std::pair<std::string, float>>& tensors) {
    std::string header = "{";
    std::string data;
    for (const auto& [name, value] : tensors) {
      header += fmt::format(R"({}"{}":{{"dtype":"F32","shape":[1],"data_offsets":[{},{}]}})",
                            data.empty() ? "" : ",", name, data.size(), data.size() + 4);
      data.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
    header += "}";
    const uint64_t size = header.size();
    put_bytes(scratch_ / file,
              std::string(reinterpret_cast<const char*>(&size), sizeof size) + header + data);
  }
  void put_index(const std::string& weight_map) {
    put_bytes(scratch_ / kWeightsIndexName,
              R"({"metadata":{"total_size":12},"weight_map":)" + weight_map + "}");
  }
  std::string refusal() {
    return thrown_message<CheckpointError>(
        [this] { MappedSafetensors(find_weight_files(scratch_.path())); });
  }
};

TEST_F(Shards, AreReadAsOneFile) {
  put_shard("model-1.safetensors", {{"a", 1.0F}, {"c", 3.0F}});
  put_shard("model-2.safetensors", {{"b", 2.0F}});
  put_shard("unlisted.safetensors", {{"a", 9.0F}});
  put_index(R"({"a":"model-1.safetensors","b":"model-2.safetensors","c":"model-1.safetensors"})");
  const WeightFiles files = find_weight_files(scratch_.path());
  EXPECT_TRUE(has_weights(scratch_.path()));
  EXPECT_EQ(files.shards.size(), 2U);
  MappedSafetensors tensors(files);
  EXPECT_EQ(tensors.entries().size(), 3U);
  EXPECT_EQ(tensors.floats("a")[0], 1.0F);
  EXPECT_EQ(tensors.floats("b")[0], 2.0F);
  EXPECT_EQ(tensors.values<float>("c"), std::vector<float>{3.0F});
}

TEST_F(Shards, TheOneFileComesFirst) {
  put_shard(kWeightsName, {{"a", 5.0F}});
  put_index(R"({"a":"absent.safetensors"})");
  const WeightFiles files = find_weight_files(scratch_.path());
  EXPECT_FALSE(files.has_index());
  EXPECT_EQ(MappedSafetensors(files).floats("a")[0], 5.0F);
}

TEST_F(Shards, AFolderWithoutWeightsIsNamed) {
  EXPECT_FALSE(has_weights(scratch_.path()));
  EXPECT_TRUE(says(refusal(), "has no model.safetensors\nhint: "));
}

TEST_F(Shards, AMissingShardIsNamed) {
  put_shard("1.safetensors", {{"a", 1.0F}});
  put_index(R"({"a":"1.safetensors","b":"2.safetensors"})");
  EXPECT_TRUE(says(refusal(), "2.safetensors: is missing, but model.safetensors.index.json lists"));
  EXPECT_TRUE(says(refusal(), "hint: copy all shards"));
}

TEST_F(Shards, PathsOutsideOfTheFolderAreRefused) {
  fs::create_directory(scratch_ / "sub");
  put_shard("1.safetensors", {{"a", 1.0F}});
  put_shard("sub/1.safetensors", {{"a", 1.0F}});
  const std::string absolute = (scratch_ / "1.safetensors").string();
  for (const std::string& name :
       {std::string("../1.safetensors"), absolute, std::string("sub/../1.safetensors"),
        std::string("./1.safetensors"), std::string("sub/"), std::string(""), std::string("..")}) {
    put_index(fmt::format(R"({{"a":"{}"}})", name));
    EXPECT_TRUE(says(refusal(), "must be the name of a file in this folder")) << name;
  }
  put_index(R"({"a":7})");
  EXPECT_TRUE(says(refusal(), "must be the name of a file in this folder, got \"7\""));
  put_index(R"({"a":"sub/1.safetensors"})");
  EXPECT_EQ(refusal(), "nothing thrown");
}

TEST_F(Shards, LinksAreFollowed) {
  put_shard("blob", {{"a", 1.0F}});
  fs::create_symlink(scratch_ / "blob", scratch_ / "1.safetensors");
  put_index(R"({"a":"1.safetensors"})");
  EXPECT_EQ(refusal(), "nothing thrown");
}

TEST_F(Shards, ATensorThatIsNotWhereTheIndexSaysIsNamed) {
  put_shard("1.safetensors", {{"a", 1.0F}});
  put_shard("2.safetensors", {{"b", 2.0F}});
  put_index(R"({"a":"1.safetensors","b":"2.safetensors","c":"2.safetensors"})");
  EXPECT_TRUE(says(refusal(), "2.safetensors: tensor \"c\" is missing"));
  put_index(R"({"a":"2.safetensors","b":"1.safetensors"})");
  EXPECT_TRUE(says(refusal(), "1.safetensors: tensor \"a\" belongs in 2.safetensors"));
  put_shard("2.safetensors", {{"b", 2.0F}, {"d", 4.0F}});
  put_index(R"({"a":"1.safetensors","b":"2.safetensors"})");
  EXPECT_TRUE(says(refusal(), "2.safetensors: tensor \"d\" is not listed in"));
}

TEST_F(Shards, ATensorInTwoShardsOrTwiceInTheIndexIsRefused) {
  put_shard("1.safetensors", {{"a", 1.0F}});
  put_shard("2.safetensors", {{"a", 2.0F}, {"b", 2.0F}});
  put_index(R"({"a":"1.safetensors","b":"2.safetensors"})");
  EXPECT_TRUE(says(refusal(), "2.safetensors: tensor \"a\" is in another shard too"));
  put_index(R"({"a":"1.safetensors","a":"2.safetensors"})");
  EXPECT_TRUE(says(refusal(), "names \"a\" twice"));
}

TEST_F(Shards, AnIndexThatIsNoneIsRefused) {
  for (const std::string text : {"", "[]", "{", "{}", R"({"weight_map":[]})",
                                 R"({"weight_map":{}})", R"({"weight_map":{"a":)", "\xff"}) {
    put_bytes(scratch_ / kWeightsIndexName, text);
    EXPECT_TRUE(says(refusal(), "model.safetensors.index.json: ")) << text;
  }
  std::string deep = R"({"weight_map":)";
  for (int i = 0; i < 100000; ++i) {
    deep += R"({"a":)";
  }
  put_bytes(scratch_ / kWeightsIndexName, deep);
  EXPECT_TRUE(says(refusal(), "nested more than 64 deep"));
}

}  // namespace
}  // namespace brt
