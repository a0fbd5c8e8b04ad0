// SPDX-License-Identifier: Apache-2.0
// The program's files: outputs over links and modes, closed descriptors, paths of any bytes.
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "support/run_fixtures.h"

namespace brt {
namespace {

namespace fs = std::filesystem;

class ProgramFiles : public TrainedRun {};

mode_t mode_of(const fs::path& path) {
  struct stat status = {};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
  return status.st_mode & 07777;
}

TEST_F(ProgramFiles, ALinkThatIsGivenAsOutputStaysALink) {
  const fs::path folder = run_->folder();
  put_bytes(folder / "real", "old");
  fs::create_symlink("real", folder / "link");
  run_->must_run({"compress", "--model", "run", "recipe.toml", "-o", "link"});
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_TRUE(starts_with(bytes_of(folder / "real"), "BRTC"));
}

TEST_F(ProgramFiles, AStateIsPrivateAndKeepsTheModeThatItWasGiven) {
  const std::vector<std::string> command = {"generate", "--model", "run",         "--prompt", "ab",
                                            "--tokens", "2",       "--state-out", "state"};
  run_->must_run(command);
  EXPECT_EQ(mode_of(run_->folder() / "state"), 0600U);
  fs::permissions(run_->folder() / "state", fs::perms(0640));
  run_->must_run(command);
  EXPECT_EQ(mode_of(run_->folder() / "state"), 0640U);
  fs::permissions(run_->folder() / "state", fs::perms(0444));
  const ProgramResult refused = run_->run(command);
  EXPECT_EQ(refused.code, 1);
  EXPECT_EQ(refused.output, "");  // before any text
  EXPECT_TRUE(contains(refused.messages, "write-protected (mode 0444)\nhint: "));
}

TEST_F(ProgramFiles, WithClosedOutputsNothingIsMixedIntoTheFilesOfARun) {
  const ProgramResult result = run_->run({"train", "--config", "recipe.toml", "--run", "quiet"},
                                         {.has_closed_outputs = true});
  EXPECT_EQ(result.code, 0);
  std::ifstream metrics(run_->folder() / "quiet/metrics.jsonl");
  int lines = 0;
  for (std::string line; std::getline(metrics, line); ++lines) {
    EXPECT_TRUE(nlohmann::json::accept(line)) << line;
  }
  EXPECT_EQ(lines, 4);
}

TEST_F(ProgramFiles, WhatIsWrittenToAClosedStandardOutputIsNotCalledDone) {
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"score", "--model", "run", "recipe.toml"},
        {"compress", "--model", "run", "recipe.toml", "-o", "-"},
        {"inspect", "run"}}) {
    EXPECT_EQ(run_->run(command, {.has_closed_outputs = true}).code, 1) << command.front();
  }
}

TEST_F(ProgramFiles, PathsThatAreNotUtf8WorkAndAreShownEscaped) {
  const std::string data = "caf\xE9";
  std::string output;
  for (const char* split : {"train", "validation"}) {
    output = run_->must_run({"prepare", "--input", std::string("books/") + split, "--output", data,
                             "--split", split, "--json"})
                 .output;
  }
  EXPECT_EQ(nlohmann::json::parse(output).at("output"), "caf\\xe9");
  const std::vector<std::string> train = {
      "train", "--config", "recipe.toml", "--set", "data.path=" + data, "--run", "run\xE9"};
  run_->must_run(train);
  EXPECT_TRUE(contains(bytes_of(run_->folder() / "run\xE9/config.toml"), "path = \"caf\\\\xe9\""));
  // Going on reads the path back from config.toml and trainer.json.
  const ProgramResult again = run_->run(train);
  EXPECT_EQ(again.code, 0) << again.messages;
  run_->must_run({"eval", "--model", "run\xE9", "--data", data, "--split", "validation", "--json"});
  run_->must_run({"inspect", data, "--json"});
}

}  // namespace
}  // namespace brt
