// SPDX-License-Identifier: Apache-2.0
// Which checkpoints of a run are sound, and in what order they come.
#include "checkpoint/checkpoints.h"

#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "checkpoint/scratch_folder.h"
#include "support/written_files.h"

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
  const auto condition = [](const fs::path& folder, const std::string& name) {
    return examine_checkpoint_file(folder, name).condition;
  };
  EXPECT_EQ(condition(checkpoint(1), "weights"), CheckpointCondition::kDamaged);
  EXPECT_EQ(condition(checkpoint(1), "more/state"), CheckpointCondition::kSound);
  EXPECT_EQ(condition(checkpoint(1), "unlisted"), CheckpointCondition::kSound);
  EXPECT_EQ(condition(scratch_.path(), "weights"), CheckpointCondition::kSound);
}

TEST_F(Checkpoints, WhatCannotBeReadIsNoDamageAndNothingOlderIsTaken) {
  save_checkpoint(1);
  save_checkpoint(2);
  const fs::path weights = checkpoint(2) / "weights";
  fs::remove(weights);
  fs::create_symlink("weights", weights);  // a link to itself: the system says ELOOP
  const CheckpointFinding finding = examine_checkpoint(checkpoint(2));
  EXPECT_EQ(finding.condition, CheckpointCondition::kUnreadable);
  EXPECT_TRUE(says(finding.reason, "weights cannot be read: it is a link: Too many levels"));
  std::vector<DamagedCheckpoint> damaged;
  const std::string message =
      thrown_message<CheckpointError>([&] { newest_checkpoint(run_, &damaged); });
  EXPECT_TRUE(says(message, "step-00000002: cannot be read: weights"));
  EXPECT_TRUE(says(message, "hint: this is no damage"));
  EXPECT_TRUE(damaged.empty());
  fs::remove(weights);
  EXPECT_EQ(examine_checkpoint(checkpoint(2)).condition, CheckpointCondition::kDamaged);
  EXPECT_EQ(newest_checkpoint(run_), checkpoint(1));
  fs::create_symlink("not-mounted", weights);
  EXPECT_EQ(examine_checkpoint(checkpoint(2)).condition, CheckpointCondition::kUnreadable);
}

TEST_F(Checkpoints, AFolderThatMayNotBeListedOrReadIsNotAnEmptyOne) {
  save_checkpoint(1);
  fs::permissions(scratch_.path(), fs::perms::all);
  const fs::path parent = run_ / "checkpoints";
  const auto message = [&] {
    std::string text;
    as_nobody([&] { text = thrown_message<CheckpointError>([&] { newest_checkpoint(run_); }); });
    return text;
  };
  fs::permissions(parent, fs::perms::none);
  EXPECT_TRUE(says(message(), "checkpoints: cannot be read: Permission denied"));
  fs::permissions(parent, fs::perms::all);
  fs::permissions(checkpoint(1), fs::perms::none);
  EXPECT_TRUE(says(message(),
                   "step-00000001: cannot be read: manifest.json cannot be read: "
                   "Permission denied"));
  fs::permissions(checkpoint(1), fs::perms::all);
  fs::permissions(checkpoint(1) / "weights", fs::perms::none);
  EXPECT_TRUE(says(message(), "weights: cannot be opened: Permission denied"));
  fs::permissions(checkpoint(1) / "weights", fs::perms::all);
  fs::remove_all(parent);
  fs::create_symlink("not-mounted", parent);
  EXPECT_TRUE(says(message(), "checkpoints: cannot be read: checkpoints cannot be read"));
}

TEST_F(Checkpoints, ALaterFormatIsAnAnswerOfItsOwn) {
  save_checkpoint(1);
  save_checkpoint(2);
  put_bytes(checkpoint(2) / "manifest.json", R"({"format_version":2,"parts":[]})");
  EXPECT_EQ(examine_checkpoint(checkpoint(2)).condition, CheckpointCondition::kNewer);
  const std::string message = thrown_message<CheckpointError>([&] { newest_checkpoint(run_); });
  EXPECT_TRUE(says(message, "manifest.json is of format version 2, this program knows version 1"));
  EXPECT_TRUE(says(message, "hint: a later version of brt wrote it"));
}

TEST_F(Checkpoints, TheManifestIsOfWhatWasMeantNotOfWhatTheDiskHas) {
  save_checkpoint(1);
  const WrittenFiles meant = files_in(checkpoint(1));
  damage_file(checkpoint(1) / "weights");
  EXPECT_TRUE(says(thrown_message<CheckpointError>([&] { write_manifest(checkpoint(1), meant); }),
                   "does not read back as it was written: weights has checksum"));
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
