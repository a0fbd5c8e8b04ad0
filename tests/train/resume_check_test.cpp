// SPDX-License-Identifier: Apache-2.0
// What a checkpoint's run is given on resume: refused where it changes numbers, told where not.
#include "train/resume_check.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "checkpoint/scratch_folder.h"
#include "kernels/cpu_target.h"
#include "support/tiny_recipe.h"

namespace brt {
namespace {

class ResumeCheck : public testing::Test {
 protected:
  void save(const SavedRun& run) const {
    put_bytes(checkpoint_.path() / "trainer.json", saved_run_to_json(run));
  }
  SavedRun saved_run() const {
    return {.trainer = {.step = 3, .pending_starts = {}, .lanes = "places"},
            .loop = {},
            .config = run_config_to_toml(config_),
            .data_fingerprint = "a",
            .tokenizer_fingerprint = "b",
            .validation_fingerprint = "c",
            .cpu_target = std::string(kernels::to_word(kernels::cpu_target()))};
  }
  SavedRun read(const RunData& data) {
    return read_resumed_run(
        checkpoint_.path(), config_, data,
        {.note = [this](const std::string& text) { notes_.push_back(text); },
         .warn = [this](const std::string& text) { warnings_.push_back(text); }});
  }
  std::string refusal(const RunData& data) {
    return thrown_message<DataError>([&] { read(data); });
  }

  const RunData data_ = {.training = "a", .tokenizer = "b", .validation = "c"};
  ScratchFolder checkpoint_;
  RunConfig config_ = tiny_recipe("data");
  std::vector<std::string> notes_;
  std::vector<std::string> warnings_;
};

TEST_F(ResumeCheck, TheSameRunGoesOnWithoutAWord) {
  save(saved_run());
  EXPECT_EQ(read(data_), saved_run());
  EXPECT_TRUE(notes_.empty());
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(ResumeCheck, OtherDataAreNamedAndRefused) {
  save(saved_run());
  EXPECT_TRUE(says(refusal({"x", "b", "c"}),
                   "data: split train is not the data that the run began with (fingerprint x, was "
                   "a)\nhint: prepare the same texts"));
  EXPECT_TRUE(says(refusal({"a", "x", "c"}), "split train (its tokenizer) is not"));
  EXPECT_TRUE(says(refusal({"a", "b", "x"}), "split validation is not"));
  EXPECT_EQ(refusal({"a", "b", ""}), "nothing thrown") << "it is not evaluated any more";
  SavedRun never_evaluated = saved_run();
  never_evaluated.validation_fingerprint = "";
  save(never_evaluated);
  EXPECT_EQ(refusal({"a", "b", "x"}), "nothing thrown");
}

TEST_F(ResumeCheck, AnotherPlaceOfTheDataAndAnotherCpuAreTold) {
  SavedRun run = saved_run();
  run.cpu_target = "another";
  save(run);
  config_.data.path = "elsewhere";
  EXPECT_EQ(read(data_), run);
  ASSERT_EQ(notes_.size(), 1U);
  EXPECT_EQ(notes_[0], "data.path was data, now it is elsewhere: moved; the data are the same");
  ASSERT_EQ(warnings_.size(), 1U);
  EXPECT_TRUE(says(warnings_[0], "made with the CPU target another, this is "));
}

TEST_F(ResumeCheck, OtherSettingsAndDamageAreRefused) {
  save(saved_run());
  config_.train.lanes = 7;
  EXPECT_TRUE(says(thrown_message<ConfigError>([&] { read(data_); }), "now it is 7"));
  put_bytes(checkpoint_.path() / "trainer.json", "{");
  EXPECT_TRUE(says(thrown_message<CheckpointError>([&] { read(data_); }),
                   "trainer.json: damaged: not valid JSON"));
}

}  // namespace
}  // namespace brt
