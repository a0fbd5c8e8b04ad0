// SPDX-License-Identifier: Apache-2.0
// Which checkpoints of a run are sound, and in what order they come.
#include "safetensors/checkpoints.h"

#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "checkpoint/scratch_folder.h"

namespace brt {
namespace {

namespace fs = std::filesystem;
using Steps = std::vector<int64_t>;

class Checkpoints : public testing::Test {
 protected:
  ScratchFolder scratch_;
  fs::path run_ = scratch_ / "run";

  fs::path checkpoint(int64_t step) const { return run_ / "checkpoints" / checkpoint_name(step); }
  void save_checkpoint(int64_t step) const {
    fs::create_directories(checkpoint(step) / "more");
    put_bytes(checkpoint(step) / "weights", std::string(1000, 'w'));
    put_bytes(checkpoint(step) / "more" / "state", "state");
    write_manifest(checkpoint(step));
  }
  Steps steps() const {
    Steps steps;
    for (const fs::path& folder : list_checkpoints(run_)) {
      steps.push_back(checkpoint_step(folder));
    }
    return steps;
  }
};

TEST_F(Checkpoints, ADamagedNewestIsNamedAndTheOneBeforeItTaken) {
  for (const int64_t step : {1, 2, 3, 4}) {
    save_checkpoint(step);
  }
  damage_file(checkpoint(4) / "weights");
  put_bytes(checkpoint(3) / "weights", "short");
  fs::remove(checkpoint(2) / "more" / "state");
  std::vector<DamagedCheckpoint> damaged;
  EXPECT_EQ(newest_checkpoint(run_, &damaged), checkpoint(1));
  ASSERT_EQ(damaged.size(), 3U);
  EXPECT_EQ(damaged[0].folder, checkpoint(4));
  EXPECT_TRUE(says(damaged[0].reason, "weights has checksum"));
  EXPECT_TRUE(says(damaged[1].reason, "weights has 5 bytes, the manifest says 1000"));
  EXPECT_TRUE(says(damaged[2].reason, "more/state is missing"));
}

TEST_F(Checkpoints, ManifestsThatCannotBeTrustedAreDamage) {
  save_checkpoint(1);
  const fs::path manifest = checkpoint(1) / "manifest.json";
  const std::string sound = get_bytes(manifest);
  for (size_t length = 0; length + 2 < sound.size(); ++length) {
    put_bytes(manifest, sound.substr(0, length));
    EXPECT_NE(checkpoint_damage(checkpoint(1)), std::nullopt) << length;
  }
  for (const std::string text :
       {"[]", "{}", R"({"format_version":2,"files":{}})", R"({"format_version":1,"files":[]})",
        R"({"format_version":1,"files":{"a":{"bytes":-1,"xxh3":""}}})",
        R"({"format_version":1,"files":{"../latest":{"bytes":14,"xxh3":"0"}}})",
        R"({"format_version":1,"files":{"/etc/passwd":{"bytes":14,"xxh3":"0"}}})"}) {
    put_bytes(manifest, text);
    EXPECT_TRUE(says(checkpoint_damage(checkpoint(1)).value_or("sound"), "manifest.json is"))
        << text;
  }
  fs::remove(manifest);
  EXPECT_EQ(checkpoint_damage(checkpoint(1)), "manifest.json is missing");
}

TEST_F(Checkpoints, OneFileIsCheckedWithoutTheOthers) {
  save_checkpoint(1);
  damage_file(checkpoint(1) / "weights");
  EXPECT_NE(checkpoint_file_damage(checkpoint(1), "weights"), std::nullopt);
  EXPECT_EQ(checkpoint_file_damage(checkpoint(1), "more/state"), std::nullopt);
  EXPECT_EQ(checkpoint_file_damage(checkpoint(1), "unlisted"), std::nullopt);
  EXPECT_EQ(checkpoint_file_damage(scratch_.path(), "weights"), std::nullopt);
}

TEST_F(Checkpoints, OnlyFoldersNamedAsCheckpointsAreListedOldestFirst) {
  EXPECT_TRUE(list_checkpoints(run_).empty());
  EXPECT_EQ(newest_checkpoint(run_), std::nullopt);
  for (const int64_t step : {123456789, 20, 3}) {
    save_checkpoint(step);
  }
  for (const char* name : {"step-5", "step-00000007x", "step-", "other", "step--0000001"}) {
    fs::create_directory(run_ / "checkpoints" / name);
  }
  put_bytes(run_ / "checkpoints" / "step-00000009", "a file");
  EXPECT_EQ(steps(), (Steps{3, 20, 123456789}));
}

TEST_F(Checkpoints, StepComesFromTheFoldersName) {
  EXPECT_EQ(checkpoint_step("a/step-00000500"), 500);
  EXPECT_EQ(checkpoint_step("a/step-00000500/"), 500);
  EXPECT_TRUE(
      says(thrown_message<CheckpointError>([] { checkpoint_step("a/b"); }), "a/b: is not named"));
}

}  // namespace
}  // namespace brt
