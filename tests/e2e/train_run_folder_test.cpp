// SPDX-License-Identifier: Apache-2.0
// What `brt train` does with folders of others, with lost readers of its messages, with runs whose
// numbers end, and what the verbs say of checkpoints that they pass over.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "support/tiny_run.h"

namespace brt {
namespace {

namespace fs = std::filesystem;
using std::chrono_literals::operator""ms;

class TrainRunFolder : public testing::Test {
 protected:
  TrainRunFolder() { run_.prepare(); }

  fs::path path(const std::string& name) const { return run_.folder() / name; }

  static std::vector<std::string> command(const std::vector<std::string>& more = {}) {
    std::vector<std::string> words = {"train", "--config", "recipe.toml", "--run", "run"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  ProgramResult train(const std::vector<std::string>& more = {}) { return run_.run(command(more)); }

  /// A run of very many steps, once it has logged some.
  std::unique_ptr<Process> start_long_run(ProcessOptions options = {}) {
    options.folder = run_.folder();
    std::unique_ptr<Process> process =
        std::make_unique<Process>(command({"--set", "train.steps=1000000", "--set",
                                           "evaluation.every=0", "--set", "train.log_every=1"}),
                                  options);
    while (process->is_running() && bytes_of(path("run/metrics.jsonl")).size() < 500) {
      std::this_thread::sleep_for(1ms);
    }
    return process;
  }

  size_t num_checkpoints() const {
    size_t count = 0;
    for (const auto& entry : fs::directory_iterator(path("run/checkpoints"))) {
      count += entry.path().filename().string().starts_with("step-") ? 1 : 0;
    }
    return count;
  }

  TinyRun run_;
};

TEST_F(TrainRunFolder, AFolderOfOthersIsRefusedAndStaysAsItIs) {
  fs::create_directory(path("run"));
  put_bytes(path("run/config.toml"), "title = \"mine\"  # a comment\n");
  put_bytes(path("run/metrics.jsonl"), "{\"epoch\":1,\"accuracy\":0.9}\n");
  const auto before = contents_of(path("run"));
  const ProgramResult result = train();
  EXPECT_EQ(result.code, 1);
  EXPECT_TRUE(says(result.messages,
                   "brt: run: holds config.toml, metrics.jsonl and no run of brt, so it cannot be "
                   "the folder of a run\nhint: give a new or empty folder, such as run/run"));
  EXPECT_EQ(contents_of(path("run")), before);
}

TEST_F(TrainRunFolder, TheRecipeItselfIsNotWrittenOver) {
  fs::create_directory(path("run"));
  fs::rename(path("recipe.toml"), path("run/config.toml"));
  const std::string recipe = bytes_of(path("run/config.toml"));
  const std::vector<std::string> words = {"train", "--config", "run/config.toml", "--run", "run"};
  EXPECT_EQ(run_.run(words).code, 1);
  EXPECT_EQ(bytes_of(path("run/config.toml")), recipe);
  // That of a run of ours may be given, and goes on with it.
  put_bytes(path("recipe.toml"), recipe);
  fs::remove_all(path("run"));
  run_.train();
  const ProgramResult again =
      run_.run({"train", "--config", "run/config.toml", "--set", "train.steps=6", "--run", "run"});
  EXPECT_EQ(again.code, 0) << again.messages;
  EXPECT_TRUE(says(again.messages, "going on after step 4 of 6"));
}

TEST_F(TrainRunFolder, ALogInTheFolderIsNoReasonToRefuseIt) {
  fs::create_directory(path("run"));
  ProcessOptions options;
  options.folder = run_.folder();
  options.messages = path("run/log");
  EXPECT_EQ(Process(command(), options).wait(), 0) << bytes_of(path("run/log"));
}

TEST_F(TrainRunFolder, SettingsAreSummarizedAndNothingIsSaidWithTheLogOff) {
  const ProgramResult off = train({"--log-level", "off"});
  EXPECT_EQ(off.code, 0);
  EXPECT_EQ(off.messages, "");
  fs::remove_all(path("run"));
  const ProgramResult usual = train();
  EXPECT_TRUE(says(usual.messages, "model: 3 layers of width 32"));
  EXPECT_TRUE(says(usual.messages, "recurrent: layer 1 with 8 states"));
  EXPECT_FALSE(says(usual.messages, "max_distance"));
  fs::remove_all(path("run"));
  EXPECT_TRUE(says(train({"--log-level", "debug"}).messages, "max_distance = 128"));
}

TEST_F(TrainRunFolder, ARunThatDivergesHasAnExitCodeOfItsOwn) {
  const ProgramResult result =
      train({"--set", "optimizer.type=adamw", "--set", "optimizer.rate=1e39", "--set",
             "optimizer.schedule=constant", "--set", "optimizer.warmup=0"});
  EXPECT_EQ(result.code, 3) << result.messages;
  EXPECT_TRUE(says(result.messages, "holds numbers that are not finite"));
  EXPECT_TRUE(says(result.messages, "hint: lower optimizer.rate"));
}

TEST_F(TrainRunFolder, ALostReaderOfTheMessagesDoesNotEndTheRun) {
  int ends[2] = {};
  ASSERT_EQ(::pipe(ends), 0);
  ASSERT_EQ(::fcntl(ends[0], F_SETFD, FD_CLOEXEC), 0);
  ProcessOptions options;
  options.folder = run_.folder();
  options.messages = "/proc/self/fd/" + std::to_string(ends[1]);
  Process process(command({"--log-level", "debug"}), options);
  ::close(ends[0]);
  ::close(ends[1]);
  EXPECT_EQ(process.wait(), 0);
  EXPECT_EQ(num_checkpoints(), 2U);
}

TEST_F(TrainRunFolder, AHangUpStopsWithACheckpoint) {
  const std::unique_ptr<Process> process = start_long_run();
  process->signal(SIGHUP);
  EXPECT_EQ(process->wait(), 128 + SIGHUP);
  EXPECT_GE(num_checkpoints(), 1U);
}

TEST_F(TrainRunFolder, ASecondTrainerIsRefusedThoughTheLockFileIsGone) {
  const std::unique_ptr<Process> first = start_long_run();
  first->signal(SIGSTOP);  // it would see that the lock is gone, save and end
  fs::remove(path("run/run.lock"));
  const ProgramResult second = train();
  first->signal(SIGCONT);
  EXPECT_EQ(second.code, 1);
  EXPECT_TRUE(says(second.messages, "in use by another process"));
  EXPECT_EQ(first->wait(), 1);
  EXPECT_GE(num_checkpoints(), 1U);
}

TEST_F(TrainRunFolder, ALinkInTheLocksPlaceIsNotWrittenTo) {
  fs::create_directory(path("run"));
  put_bytes(path("precious"), "precious");
  fs::create_symlink("../precious", path("run/run.lock"));
  EXPECT_EQ(train().code, 1);
  EXPECT_EQ(bytes_of(path("precious")), "precious");
}

TEST_F(TrainRunFolder, VerbsSayWhichDamagedCheckpointTheyPassOver) {
  run_.train();
  damage_file(path("run/checkpoints/step-00000004/model.safetensors"));
  const ProgramResult result =
      run_.must_run({"generate", "--model", "run", "--prompt", "ab", "--tokens", "2"});
  EXPECT_TRUE(says(result.messages, "step-00000004: damaged, step-00000002 is used"));
  const ProgramResult eval =
      run_.must_run({"eval", "--model", "run", "--data", "data", "--split", "validation"});
  EXPECT_TRUE(says(eval.messages, "step-00000004: damaged, step-00000002 is used"));
}

TEST_F(TrainRunFolder, CheckpointsThatCannotBeReadAreNeitherDamagedNorAbsent) {
  run_.train();
  const fs::path weights = path("run/checkpoints/step-00000004/model.safetensors");
  fs::rename(weights, path("aside"));
  fs::create_symlink("model.safetensors", weights);  // the system says: too many links
  const auto before = contents_of(path("run/checkpoints/step-00000002"));
  for (const std::vector<std::string>& words :
       {command({"--set", "train.steps=6"}),
        {"generate", "--model", "run", "--prompt", "ab", "--tokens", "2"}}) {
    const ProgramResult result = run_.run(words);
    EXPECT_EQ(result.code, 1);
    EXPECT_TRUE(says(result.messages, "step-00000004: cannot be read: model.safetensors"));
    EXPECT_TRUE(says(result.messages, "Too many levels of symbolic links"));
  }
  EXPECT_EQ(contents_of(path("run/checkpoints/step-00000002")), before);
  fs::remove(weights);
  fs::rename(path("aside"), weights);
  EXPECT_EQ(train({"--set", "train.steps=6"}).code, 0);
}

}  // namespace
}  // namespace brt
