// SPDX-License-Identifier: Apache-2.0
// Checkpoints appear whole or not at all, damaged ones are passed over, old ones go.
#include "checkpoint/run_folder.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "checkpoint/scratch_folder.h"
#include "safetensors/checkpoints.h"

namespace brt {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;
using Steps = std::vector<int64_t>;

void write_two_files(const fs::path& folder) {
  put_bytes(folder / "weights", std::string(1000, 'w'));
  fs::create_directory(folder / "more");
  put_bytes(folder / "more" / "state", "state");
}

class RunFolderTest : public testing::Test {
 protected:
  ScratchFolder scratch_;
  fs::path run_ = scratch_ / "run";

  fs::path checkpoint(int64_t step) const {
    std::string digits = std::to_string(step);
    return run_ / "checkpoints" / ("step-" + std::string(8 - digits.size(), '0') + digits);
  }
  std::vector<int64_t> steps() const {
    std::vector<int64_t> steps;
    for (const fs::path& folder : list_checkpoints(run_)) {
      steps.push_back(checkpoint_step(folder));
    }
    return steps;
  }
  std::vector<std::string> names_in_checkpoints() const {
    std::vector<std::string> names;
    for (const fs::directory_entry& entry : fs::directory_iterator(run_ / "checkpoints")) {
      names.push_back(entry.path().filename().string());
    }
    std::ranges::sort(names);
    return names;
  }
};

TEST_F(RunFolderTest, ACheckpointHasItsFilesAManifestAndIsTheLatest) {
  RunFolder run(run_);
  run.save_checkpoint(500, write_two_files);
  EXPECT_EQ(names_in_checkpoints(), (Names{"latest", "step-00000500"}));
  EXPECT_EQ(get_bytes(run_ / "checkpoints" / "latest"), "step-00000500\n");
  EXPECT_EQ(get_bytes(checkpoint(500) / "more" / "state"), "state");
  EXPECT_TRUE(says(get_bytes(checkpoint(500) / "manifest.json"), "\"bytes\": 1000"));
  EXPECT_EQ(checkpoint_damage(checkpoint(500)), std::nullopt);
  EXPECT_EQ(newest_checkpoint(run_), checkpoint(500));
}

TEST_F(RunFolderTest, AnExceptionWhileWritingLeavesTheRestAsItWas) {
  RunFolder run(run_);
  run.save_checkpoint(1, write_two_files);
  EXPECT_THROW(run.save_checkpoint(2,
                                   [](const fs::path& folder) {
                                     write_two_files(folder);
                                     throw std::runtime_error("disk full");
                                   }),
               std::runtime_error);
  EXPECT_EQ(names_in_checkpoints(), (Names{"latest", "step-00000001"}));
  EXPECT_EQ(get_bytes(run_ / "checkpoints" / "latest"), "step-00000001\n");
}

TEST_F(RunFolderTest, AKilledWriterLeavesNoCheckpointAndItsRemainsAreRemoved) {
  const pid_t child = ::fork();
  if (child == 0) {
    RunFolder run(run_);
    run.save_checkpoint(1, write_two_files);
    run.save_checkpoint(2, [](const fs::path& folder) {
      write_two_files(folder);
      ::kill(::getpid(), SIGKILL);
    });
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(newest_checkpoint(run_), checkpoint(1));
  EXPECT_EQ(names_in_checkpoints().size(), 3U);
  RunFolder run(run_);  // the lock went with the process
  run.apply_retention({});
  EXPECT_EQ(names_in_checkpoints(), (Names{"latest", "step-00000001"}));
}

TEST_F(RunFolderTest, SavingAStepAgainReplacesIt) {
  RunFolder run(run_);
  run.save_checkpoint(3, write_two_files);
  run.save_checkpoint(3, [](const fs::path& folder) { put_bytes(folder / "weights", "new"); });
  EXPECT_EQ(names_in_checkpoints(), (Names{"latest", "step-00000003"}));
  EXPECT_EQ(get_bytes(checkpoint(3) / "weights"), "new");
  EXPECT_FALSE(fs::exists(checkpoint(3) / "more"));
  EXPECT_EQ(checkpoint_damage(checkpoint(3)), std::nullopt);
}

TEST_F(RunFolderTest, RetentionKeepsTheLastEveryNthAndTheBest) {
  RunFolder run(run_);
  for (int64_t step = 1; step <= 12; ++step) {
    run.save_checkpoint(step, write_two_files);
  }
  run.apply_retention({.keep_last = 2, .keep_every = 5, .best_step = 7});
  EXPECT_EQ(steps(), (Steps{5, 7, 10, 11, 12}));
  run.apply_retention({.keep_last = 1});
  EXPECT_EQ(steps(), (Steps{12}));
  run.apply_retention({.keep_last = 0});
  EXPECT_EQ(steps(), (Steps{12}));
  EXPECT_EQ(names_in_checkpoints(), (Names{"latest", "step-00000012"}));
}

TEST_F(RunFolderTest, RetentionDoesNotCountDamagedOnesAndNeverDeletesTheLastSoundOne) {
  {
    RunFolder run(run_);
    for (int64_t step = 1; step <= 4; ++step) {
      run.save_checkpoint(step, write_two_files);
    }
  }
  damage_file(checkpoint(4) / "weights");
  damage_file(checkpoint(2) / "weights");
  RunFolder run(run_);
  run.apply_retention({.keep_last = 2});
  EXPECT_EQ(steps(), (Steps{1, 3}));
  damage_file(checkpoint(1) / "weights");
  damage_file(checkpoint(3) / "weights");
  run.apply_retention({.keep_last = 1});
  EXPECT_EQ(steps(), (Steps{1, 3}));
}

TEST_F(RunFolderTest, ASecondProcessIsRefusedWhileTheFirstHoldsTheRun) {
  std::unique_ptr<RunFolder> run = std::make_unique<RunFolder>(run_);
  const auto opens_in_child = [this] {
    const pid_t child = ::fork();
    if (child == 0) {
      const std::string message = thrown_message<Error>([this] { RunFolder second(run_); });
      const bool is_refused = message.find("in use by another process (pid " +
                                           std::to_string(::getppid()) + ")") != std::string::npos;
      ::_exit(is_refused ? 7 : message == "nothing thrown" ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WEXITSTATUS(status);
  };
  EXPECT_EQ(opens_in_child(), 7);
  run.reset();
  EXPECT_EQ(opens_in_child(), 0);
}

TEST_F(RunFolderTest, AFileInTheFoldersPlaceAndNegativeStepsAreRefused) {
  put_bytes(scratch_ / "file", "x");
  EXPECT_TRUE(says(thrown_message<Error>([this] { RunFolder run(scratch_ / "file"); }),
                   "folder cannot be made"));
  RunFolder run(run_);
  EXPECT_TRUE(
      says(thrown_message<CheckpointError>([&] { run.save_checkpoint(-1, write_two_files); }),
           "must not be negative"));
}

}  // namespace
}  // namespace brt
