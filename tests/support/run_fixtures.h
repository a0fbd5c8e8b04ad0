// SPDX-License-Identifier: Apache-2.0
// Fixtures of suites that call `brt` in one folder, and the commands that they give it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/text_assertions.h"
#include "support/tiny_run.h"

namespace brt {

using Command = std::vector<std::string>;

inline Command operator+(Command command, const Command& more) {
  command.insert(command.end(), more.begin(), more.end());
  return command;
}

/// A folder with books and a recipe, which the tests of a suite share.
class BooksFolder : public testing::Test {
 protected:
  static void SetUpTestSuite() { run_ = std::make_unique<TinyRun>(); }
  static void TearDownTestSuite() { run_.reset(); }

  static std::filesystem::path file(const std::string& name) { return run_->folder() / name; }
  /// What a command prints that must not fail.
  static std::string output_of(const Command& command) { return run_->must_run(command).output; }
  static nlohmann::json inspect(const std::string& path) {
    return nlohmann::json::parse(output_of({"inspect", path, "--json"}));
  }

  inline static std::unique_ptr<TinyRun> run_;  ///< one at a time: suites come one after another
};

/// The folder with prepared data and a run.
class TrainedRun : public BooksFolder {
 protected:
  static void SetUpTestSuite() {
    BooksFolder::SetUpTestSuite();
    run_->prepare();
    run_->train();
  }
};

}  // namespace brt
