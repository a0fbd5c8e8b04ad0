// SPDX-License-Identifier: Apache-2.0
// Model folders as other programs leave them: in shards, with other dtypes, without a tokenizer.
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/run_fixtures.h"
#include "support/weights_file.h"

namespace brt {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kCheckpoint = "run/checkpoints/step-00000004";

class ModelFolders : public TrainedRun {
 protected:
  /// A folder with the trained model's config, and its weights unless `is_sharded`.
  static void make_model(const std::string& name) {
    fs::remove_all(file(name));
    fs::create_directory(file(name));
    for (const char* part : {"config.json", "model.safetensors"}) {
      fs::copy_file(file(kCheckpoint) / part, file(name) / part);
    }
  }
  /// Divides the weights of a folder in two files, tensor by tensor.
  static void make_shards(const std::string& name) {
    const WeightsFile whole = WeightsFile(bytes_of(file(name) / "model.safetensors"));
    WeightsFile parts[2];
    json map;
    size_t count = 0;
    for (const auto& [tensor, entry] : whole.header.items()) {
      const size_t part = count++ % 2;
      const size_t begin = entry["data_offsets"][0].get<size_t>();
      parts[part].add(tensor, entry,
                      whole.data.substr(begin, entry["data_offsets"][1].get<size_t>() - begin));
      map[tensor] = "part-" + std::to_string(part) + ".safetensors";
    }
    put_bytes(file(name) / "part-0.safetensors", parts[0].bytes());
    put_bytes(file(name) / "part-1.safetensors", parts[1].bytes());
    put_bytes(file(name) / "model.safetensors.index.json", json{{"weight_map", map}}.dump());
    fs::remove(file(name) / "model.safetensors");
  }
  /// Every verb that reads a model must refuse it so.
  static void expect_refused(const std::string& model, const std::string& message) {
    for (const Command& command :
         std::vector<Command>{{"generate", "--model", model, "--prompt", "a", "--tokens", "1"},
                              {"score", "--model", model, "recipe.toml"},
                              {"compress", "--model", model, "recipe.toml", "-o", "x.brt"},
                              {"eval", "--model", model, "--data", "data", "--split", "validation"},
                              {"inspect", model}}) {
      const ProgramResult result = run_->run(command);
      EXPECT_EQ(result.code, 1) << command.front();
      EXPECT_TRUE(contains(result.messages, message)) << command.front();
    }
  }
};

TEST_F(ModelFolders, ShardsAreTheModelToEveryVerb) {
  make_model("whole");
  make_model("sharded");
  make_shards("sharded");
  const auto output = [](Command command, const std::string& model) {
    command.insert(command.end(), {"--model", model, "--threads", "1"});
    return run_->must_run(command).output;
  };
  for (const Command& command :
       std::vector<Command>{{"generate", "--prompt", "the sea", "--tokens", "30"},
                            {"score", "recipe.toml"},
                            {"compress", "recipe.toml", "-o", "-"}}) {
    EXPECT_EQ(output(command, "sharded"), output(command, "whole")) << command.front();
  }
  const Command eval = {"eval", "--data", "data", "--split", "validation", "--json"};
  const json sharded = json::parse(output(eval, "sharded"));
  EXPECT_EQ(sharded["bits_per_token"], json::parse(output(eval, "whole"))["bits_per_token"]);
  // A state of the one goes on in the other: they are the same model.
  run_->must_run(
      {"generate", "--model", "whole", "--prompt", "a", "--tokens", "3", "--state-out", "s.state"});
  run_->must_run({"generate", "--model", "sharded", "--state-in", "s.state", "--tokens", "3"});
  const json found = json::parse(run_->must_run({"inspect", "sharded", "--json"}).output);
  const json one = json::parse(run_->must_run({"inspect", "whole", "--json"}).output);
  EXPECT_EQ(found["tensors"], one["tensors"]);
  EXPECT_EQ(found["fingerprint"], one["fingerprint"]);
  EXPECT_EQ(found["shards"].size(), 2U);
}

TEST_F(ModelFolders, ShardsThatAreNotTheIndexsAreRefused) {
  make_model("bad");
  make_shards("bad");
  fs::rename(file("bad/part-1.safetensors"), file("bad/away"));
  expect_refused("bad",
                 "part-1.safetensors: is missing, but model.safetensors.index.json lists it");
  fs::copy_file(file("bad/part-0.safetensors"), file("bad/part-1.safetensors"));
  expect_refused("bad", "part-1.safetensors: tensor \"");
  std::string index = bytes_of(file("bad/model.safetensors.index.json"));
  index.replace(index.find("part-1"), 6, "../bad/part-1");
  put_bytes(file("bad/model.safetensors.index.json"), index);
  expect_refused("bad", "the shard must be the name of a file in this folder");
}

TEST_F(ModelFolders, ATensorOfADtypeThatCannotBeReadIsNamed) {
  make_model("unsigned");
  WeightsFile weights = WeightsFile(bytes_of(file("unsigned/model.safetensors")));
  weights.header["final_norm.weight"]["dtype"] = "U32";
  put_bytes(file("unsigned/model.safetensors"), weights.bytes());
  for (const Command& command : std::vector<Command>{
           {"generate", "--model", "unsigned", "--prompt", "a", "--tokens", "1"},
           {"eval", "--model", "unsigned", "--data", "data", "--split", "validation"},
           {"inspect", "unsigned"}}) {
    const ProgramResult result = run_->run(command);
    EXPECT_EQ(result.code, 1) << command.front();
    EXPECT_TRUE(contains(result.messages, "\"final_norm.weight\""));
    EXPECT_TRUE(contains(result.messages, "U32"));
    EXPECT_EQ(result.messages.find("damaged"), std::string::npos);
  }
  const ProgramResult listed = run_->run({"inspect", "unsigned/model.safetensors"});
  EXPECT_EQ(listed.code, 0) << listed.messages;
  EXPECT_TRUE(contains(listed.output, "U32"));
}

TEST_F(ModelFolders, AModelWithoutItsTokenizerIsRefused) {
  make_model("lost");
  json config = json::parse(bytes_of(file("lost/config.json")));
  EXPECT_EQ(config["tokenizer"], "bytes");
  config.erase("tokenizer");
  put_bytes(file("lost/config.json"), config.dump());
  expect_refused("lost", "lost/tokenizer.model: is missing");
}

TEST_F(ModelFolders, ACheckpointWhoseManifestListsAMissingTokenizerIsDamaged) {
  put_bytes(file("prose"), words(20000, 3));
  run_->must_run(
      {"tokenizer", "train", "--input", "prose", "--vocab", "300", "--output", "t.model"});
  for (const char* split : {"train", "validation"}) {
    run_->must_run({"prepare", "--input", std::string("books/") + split, "--output", "pieces",
                    "--split", split, "--tokenizer", "t.model"});
  }
  run_->must_run(
      {"train", "--config", "recipe.toml", "--run", "prun", "--set", "data.path=pieces"});
  const std::string checkpoint = "prun/checkpoints/step-00000004";
  fs::remove(file(checkpoint) / "tokenizer.model");
  const ProgramResult result =
      run_->run({"generate", "--model", checkpoint, "--prompt", "a", "--tokens", "1"});
  EXPECT_EQ(result.code, 1);
  EXPECT_TRUE(contains(result.messages, "is damaged: tokenizer.model is missing"));
  // The manifest taken away, too: a plain model folder now.
  fs::remove(file(checkpoint) / "manifest.json");
  EXPECT_TRUE(contains(
      run_->run({"generate", "--model", checkpoint, "--prompt", "a", "--tokens", "1"}).messages,
      "tokenizer.model: is missing, and config.json"));
}

}  // namespace
}  // namespace brt
