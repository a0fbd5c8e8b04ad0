// SPDX-License-Identifier: Apache-2.0
// A run stands for its newest sound checkpoint; what is neither run nor model is refused.
#include "checkpoint/model_path.h"

#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "checkpoint/checkpoints.h"
#include "checkpoint/scratch_folder.h"
#include "support/written_files.h"

namespace brt {
namespace {

namespace fs = std::filesystem;

TEST(ModelPath, AModelFolderStandsForItselfAndARunForItsNewestSoundCheckpoint) {
  const ScratchFolder scratch;
  const auto checkpoint = [&](int64_t step) {
    return scratch / "run" / "checkpoints" / checkpoint_name(step);
  };
  for (const int64_t step : {10, 20}) {
    fs::create_directories(checkpoint(step));
    put_bytes(checkpoint(step) / "config.json", "{}");
    put_bytes(checkpoint(step) / "model.safetensors", "weights");
    write_manifest(checkpoint(step));
  }
  put_bytes(checkpoint(20) / "tokenizer.model", "pieces");
  write_manifest(checkpoint(20));
  EXPECT_EQ(find_model_folder(checkpoint(10)), checkpoint(10));
  EXPECT_EQ(find_model_folder(scratch / "run"), checkpoint(20));
  check_manifest(checkpoint(20));
  fs::rename(checkpoint(20) / "tokenizer.model", scratch / "away");
  EXPECT_TRUE(says(thrown_message<CheckpointError>([&] { check_manifest(checkpoint(20)); }),
                   "step-00000020: is damaged: tokenizer.model is missing"));
  fs::rename(scratch / "away", checkpoint(20) / "tokenizer.model");
  damage_file(checkpoint(20) / "model.safetensors");
  std::vector<std::string> warnings;
  const CheckpointWarning collect = [&](const std::string& text) { warnings.push_back(text); };
  EXPECT_EQ(find_model_folder(scratch / "run", collect), checkpoint(10));
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_TRUE(says(warnings[0], "step-00000020: damaged, step-00000010 is used: model.safeten"));
  EXPECT_TRUE(says(thrown_message<CheckpointError>([&] { check_manifest(checkpoint(20)); }),
                   "step-00000020: is damaged: model.safetensors has checksum"));
  put_bytes(checkpoint(10) / "config.json", "{ }");
  const std::string message =
      thrown_message<CheckpointError>([&] { find_model_folder(scratch / "run"); });
  EXPECT_TRUE(says(message, "no checkpoint of the run is sound: step-00000020: model.safetensors"));
  EXPECT_TRUE(says(message, "step-00000010: config.json has 3 bytes"));
}

TEST(ModelPath, PathsThatAreNoModelAreRefusedWithAHint) {
  ScratchFolder scratch;
  const auto message = [&](const std::string& name) {
    return thrown_message<CheckpointError>([&] { find_model_folder(scratch / name); });
  };
  EXPECT_TRUE(says(message("absent"), "does not exist\nhint: "));
  put_bytes(scratch / "file", "x");
  EXPECT_TRUE(says(message("file"), "is a file, a model folder was expected\nhint: "));
  fs::create_directories(scratch / "run" / "checkpoints");
  EXPECT_TRUE(says(message("run"), "has no checkpoint yet\nhint: train it"));
  put_bytes(scratch / "run" / "checkpoints" / "latest", "step-00000001\n");
  EXPECT_TRUE(says(message("run/checkpoints"), "hint: give the run's folder: "));
  fs::create_directories(scratch / "started");
  put_bytes(scratch / "started" / "config.toml", "");
  EXPECT_TRUE(says(message("started"), "has no checkpoint yet"));
  fs::create_directories(scratch / "data");
  put_bytes(scratch / "data" / "dataset.json", "{}");
  EXPECT_TRUE(says(message("data"), "is prepared data, a model folder was expected"));
  fs::create_directories(scratch / "weights");
  put_bytes(scratch / "weights" / "model.safetensors", "");
  EXPECT_TRUE(says(message("weights"), "config.json beside them is missing"));
  fs::create_directories(scratch / "other");
  EXPECT_TRUE(says(message("other"), "is neither a model folder nor the folder of a run"));
}

}  // namespace
}  // namespace brt
