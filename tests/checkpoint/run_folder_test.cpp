// SPDX-License-Identifier: Apache-2.0
// Checkpoints appear whole or not at all, damaged ones are passed over, old ones go.
#include "checkpoint/run_folder.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/temporaries.h"
#include "checkpoint/checkpoints.h"
#include "checkpoint/scratch_folder.h"
#include "config/run_config.h"
#include "support/written_files.h"

namespace brt {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;
using Steps = std::vector<int64_t>;

WrittenFiles write_two_files(const fs::path& folder) {
  put_bytes(folder / "weights", std::string(1000, 'w'));
  fs::create_directory(folder / "more");
  put_bytes(folder / "more" / "state", "state");
  return files_in(folder);
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
                                   [](const fs::path& folder) -> WrittenFiles {
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
      const WrittenFiles files = write_two_files(folder);
      ::kill(::getpid(), SIGKILL);
      return files;
    });
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(newest_checkpoint(run_), checkpoint(1));
  EXPECT_EQ(names_in_checkpoints().size(), 3U);
  const RunFolder run(run_);  // the lock went with the process
  EXPECT_EQ(names_in_checkpoints(), (Names{"latest", "step-00000001"}));
}

TEST_F(RunFolderTest, SavingAStepAgainReplacesIt) {
  RunFolder run(run_);
  run.save_checkpoint(3, write_two_files);
  run.save_checkpoint(3, [](const fs::path& folder) {
    put_bytes(folder / "weights", "new");
    return files_in(folder);
  });
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

TEST_F(RunFolderTest, RetentionKeepsWhatCannotBeReadOrIsOfALaterFormat) {
  {
    RunFolder run(run_);
    for (int64_t step = 1; step <= 4; ++step) {
      run.save_checkpoint(step, write_two_files);
    }
  }
  fs::remove(checkpoint(1) / "weights");
  fs::create_symlink("weights", checkpoint(1) / "weights");
  put_bytes(checkpoint(2) / "manifest.json", R"({"format_version":9})");
  RunFolder run(run_);
  run.apply_retention({.keep_last = 1});
  EXPECT_EQ(steps(), (Steps{1, 2, 4}));
}

TEST_F(RunFolderTest, ABitFlippedOnTheWayToTheDiskIsNotSealedAsSound) {
  RunFolder run(run_);
  run.save_checkpoint(1, write_two_files);
  const auto write = [](const fs::path& folder) {
    const WrittenFiles files = write_two_files(folder);
    damage_file(folder / "weights");
    return files;
  };
  EXPECT_TRUE(says(thrown_message<CheckpointError>([&] { run.save_checkpoint(2, write); }),
                   "does not read back as it was written"));
  EXPECT_EQ(steps(), Steps{1});
}

TEST_F(RunFolderTest, WhatKilledProcessesLeftIsClearedByTheNext) {
  {
    RunFolder run(run_);
    run.save_checkpoint(1, write_two_files);
    run.save_checkpoint(2, write_two_files);
  }
  put_bytes(run_ / "config.toml.partial-4711", "half");
  put_bytes(run_ / "config.toml.partial-mine", "not ours");
  put_bytes(run_ / "checkpoints" / "latest.partial-4711", "half");
  put_bytes(run_ / "checkpoints" / temporary_name("latest"), "half");
  put_bytes(run_ / temporary_name("metrics.jsonl"), "half");
  fs::create_directory(run_ / "checkpoints" / ".removed-step-00000000");
  fs::create_directory(run_ / "checkpoints" / ".unfinished-step-00000003");
  fs::create_directory(run_ / "checkpoints" / ".unfinished-work");
  // Killed between the renames that replace a checkpoint: the only copy has a hidden name.
  fs::rename(checkpoint(2), run_ / "checkpoints" / ".unfinished-step-00000002-old");
  const RunFolder run(run_);
  EXPECT_EQ(names_in_checkpoints(),
            (Names{".unfinished-work", "latest", "step-00000001", "step-00000002"}));
  EXPECT_EQ(checkpoint_damage(checkpoint(2)), std::nullopt);
  EXPECT_TRUE(fs::exists(run_ / "config.toml.partial-mine"));
  EXPECT_EQ(std::distance(fs::directory_iterator(run_), fs::directory_iterator()), 3);
}

TEST_F(RunFolderTest, FoldersOfOthersAreRefusedAndNothingInThemIsTouched) {
  const std::vector<std::pair<std::string, std::string>> foreign = {
      {"config.toml", "title = \"mine\"\n"},
      {"config.toml", "[train]\nsteps = 3\n"},
      {"metrics.jsonl", "{\"epoch\":1,\"accuracy\":0.9}\n"},
      {"notes.txt", "mine"},
      {"dataset.json", "{}"}};
  for (const auto& [name, text] : foreign) {
    fs::create_directory(run_);
    put_bytes(run_ / name, text);
    const std::string message = thrown_message<Error>([&] { const RunFolder run(run_); });
    EXPECT_TRUE(says(message, "so it cannot be the folder of a run\nhint: give a new or empty"));
    EXPECT_EQ(get_bytes(run_ / name), text);
    EXPECT_EQ(std::distance(fs::directory_iterator(run_), fs::directory_iterator()), 1) << name;
    fs::remove_all(run_);
  }
}

TEST_F(RunFolderTest, EmptyFoldersAndRunsOfOursAreTaken) {
  fs::create_directories(run_ / ".git");
  put_bytes(run_ / "run.lock", "123");
  {
    const RunFolder run(run_);
  }
  put_bytes(run_ / "config.toml", run_config_to_toml({}));
  put_bytes(run_ / "metrics.jsonl", "{\"step\":1}\n");
  {
    const RunFolder run(run_);
  }
  // As another version wrote it: a key fewer, other words of help.
  std::string older = run_config_to_toml({});
  const size_t line = older.find("keep_best");
  older.erase(line, older.find('\n', line) + 1 - line);
  put_bytes(run_ / "config.toml", older);
  {
    const RunFolder run(run_);
  }
  {
    put_bytes(run_ / "config.toml", run_config_to_toml({}));
    RunFolder run(run_);
    run.save_checkpoint(1, write_two_files);
  }
  put_bytes(run_ / "config.toml", "# by hand\n");
  const RunFolder run(run_);
}

TEST_F(RunFolderTest, ADeletedFolderIsNotMadeAgain) {
  RunFolder run(run_);
  fs::remove_all(run_);
  EXPECT_THROW(run.save_checkpoint(1, write_two_files), Error);
  EXPECT_FALSE(fs::exists(run_));
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
