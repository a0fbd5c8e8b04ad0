// SPDX-License-Identifier: Apache-2.0
// What the program must refuse: fixtures of the tests with wrong flags and damaged files.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "support/run_fixtures.h"

namespace brt {

inline constexpr int kFailed = 1;
inline constexpr int kWrongUsage = 2;

/// A command, and a part of what it must say.
struct Refusal {
  Command command;
  std::string message;
};

/// A folder of its own with a tiny run; every refusal leaves all files in it as they were.
class Refusals : public BooksFolder {
 protected:
  static void put(const std::string& name, const std::string& bytes) {
    std::filesystem::create_directories(file(name).parent_path());
    put_bytes(file(name), bytes);
  }
  static void need_data() {
    if (!std::filesystem::exists(file("data"))) {
      run_->prepare();
    }
  }
  static void need_run() {
    need_data();
    if (!std::filesystem::exists(file("run"))) {
      run_->train();
    }
  }
  /// A copy of a folder, to be damaged; an earlier copy is deleted.
  static void copy(const std::string& from, const std::string& to) {
    std::filesystem::remove_all(file(to));
    std::filesystem::copy(file(from), file(to), std::filesystem::copy_options::recursive);
  }

  static void expect_refused(const Refusal& refusal, int code, const ProcessOptions& options = {}) {
    std::string line = "brt";
    for (const std::string& word : refusal.command) {
      line += ' ';
      line += word.substr(0, 80);
    }
    SCOPED_TRACE(line);
    const std::map<std::string, std::string> before = contents_of(run_->folder());
    const ProgramResult result = run_->run(refusal.command, options);
    EXPECT_EQ(result.code, code) << result.messages;
    EXPECT_TRUE(contains(result.messages, refusal.message));
    EXPECT_FALSE(result.messages.find("terminate called") != std::string::npos);
    EXPECT_TRUE(contents_of(run_->folder()) == before) << "files have changed";
  }
  static void expect_all_refused(const std::vector<Refusal>& refusals, int code) {
    for (const Refusal& refusal : refusals) {
      expect_refused(refusal, code);
    }
  }
};

}  // namespace brt
