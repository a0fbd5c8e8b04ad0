// SPDX-License-Identifier: Apache-2.0
// RUN@best, RUN@latest, RUN@STEP.
#include "checkpoint/checkpoint_name.h"

#include <filesystem>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "checkpoint/checkpoints.h"
#include "checkpoint/model_path.h"
#include "checkpoint/scratch_folder.h"
#include "support/written_files.h"

namespace brt {
namespace {

namespace fs = std::filesystem;

/// A run with checkpoints after 10, 20 and 30 steps, of which that after 20 is the best.
class CheckpointName : public testing::Test {
 protected:
  CheckpointName() {
    for (const int64_t step : {10, 20, 30}) {
      make_checkpoint(step, R"("best":{"step":20,"bits_per_token":2.5})");
    }
  }

  fs::path run() const { return scratch_ / "a@run"; }
  fs::path checkpoint(int64_t step) const { return run() / "checkpoints" / checkpoint_name(step); }
  void make_checkpoint(int64_t step, const std::string& best) const {
    fs::create_directories(checkpoint(step));
    put_bytes(checkpoint(step) / "config.json", "{}");
    put_bytes(checkpoint(step) / "model.safetensors", "weights");
    put_bytes(checkpoint(step) / "trainer.json", fmt::format(R"({{"loop":{{{}}}}})", best));
    write_manifest(checkpoint(step));
  }
  fs::path named(const std::string& name) const { return run().string() + "@" + name; }
  std::string refusal(const std::string& name) const {
    return thrown_message<CheckpointError>([&] { find_model_folder(named(name)); });
  }

  ScratchFolder scratch_;
};

TEST_F(CheckpointName, IsTheBestTheLatestOrAStep) {
  EXPECT_EQ(find_model_folder(named("best")), checkpoint(20));
  EXPECT_EQ(find_model_folder(named("latest")), checkpoint(30));
  EXPECT_EQ(find_model_folder(named("10")), checkpoint(10));
  EXPECT_EQ(find_model_folder(named("00000010")), checkpoint(10));
  EXPECT_EQ(find_model_folder(run()), checkpoint(30));
}

TEST_F(CheckpointName, ThatIsNotThereIsRefusedWithThoseThatAre) {
  EXPECT_TRUE(says(refusal("15"),
                   "has no checkpoint of step 15\nhint: there are checkpoints of "
                   "steps 10, 20, 30"));
  EXPECT_TRUE(says(refusal("worst"),
                   "\"worst\" names no checkpoint\nhint: RUN@best, RUN@latest or "
                   "RUN@STEP; there are checkpoints"));
  EXPECT_TRUE(says(refusal(""), "\"\" names no checkpoint"));
  EXPECT_TRUE(says(refusal("-10"), "\"-10\" names no checkpoint"));
  EXPECT_TRUE(says(refusal("99999999999999999999"), "names no checkpoint"));
  fs::remove_all(checkpoint(20));
  EXPECT_TRUE(says(refusal("best"),
                   "step 20 had the lowest validation loss, but the run has no "
                   "checkpoint of step 20"));
  damage_file(checkpoint(10) / "model.safetensors");
  EXPECT_TRUE(says(refusal("10"), "step-00000010: is damaged: model.safetensors has checksum"));
}

TEST_F(CheckpointName, LatestIsTheNewestSoundOne) {
  damage_file(checkpoint(30) / "model.safetensors");
  EXPECT_EQ(find_model_folder(named("latest")), checkpoint(20));
}

TEST_F(CheckpointName, WithoutAnEvaluationNoneIsTheBest) {
  make_checkpoint(40, "");
  EXPECT_TRUE(says(refusal("best"), "no checkpoint is the best: none was evaluated"));
  EXPECT_EQ(better_checkpoint_note(run(), checkpoint(40)), "");
}

TEST_F(CheckpointName, APathThatIsThereIsTakenAsItIs) {
  fs::create_directories(named("best"));
  put_bytes(named("best") / "config.json", "{}");
  EXPECT_EQ(find_model_folder(named("best")), named("best"));
}

TEST_F(CheckpointName, BehindWhatIsNoRunIsNoName) {
  EXPECT_EQ(find_named_checkpoint(scratch_ / "absent@best"), std::nullopt);
  EXPECT_EQ(find_named_checkpoint(run() / "file"), std::nullopt);
  EXPECT_TRUE(
      says(thrown_message<CheckpointError>([&] { find_model_folder(scratch_ / "absent@best"); }),
           "absent@best: does not exist"));
}

TEST_F(CheckpointName, TheNoteNamesABetterCheckpointThanTheNewest) {
  EXPECT_EQ(better_checkpoint_note(run(), checkpoint(30)),
            fmt::format("{0}: step 30, the newest checkpoint, is taken; step 20 had a lower "
                        "validation loss: give {0}@best for that",
                        run().string()));
  EXPECT_EQ(better_checkpoint_note(named("latest"), checkpoint(30)), "");
  EXPECT_EQ(better_checkpoint_note(checkpoint(30), checkpoint(30)), "");
  make_checkpoint(30, R"("best":{"step":30,"bits_per_token":2.5})");
  EXPECT_EQ(better_checkpoint_note(run(), checkpoint(30)), "");
}

}  // namespace
}  // namespace brt
