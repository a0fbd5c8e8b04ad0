// SPDX-License-Identifier: Apache-2.0
// One operation, run again and again with another of its file-system calls going wrong.
#pragma once

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "checkpoint/scratch_folder.h"
#include "faults/file_faults.h"

namespace brt {

/// Every file below a folder with its bytes, every folder and link by name. What `is_passed_over`
/// says of a name counts as a name only.
inline std::map<std::string, std::string> files_below(
    const std::filesystem::path& folder,
    const std::function<bool(const std::string&)>& is_passed_over) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().lexically_relative(folder).string();
    const bool has_bytes = entry.is_regular_file() && !is_passed_over(name);
    files[name] = has_bytes ? get_bytes(entry.path()) : std::string("(not compared)");
  }
  return files;
}

/// What is tried. `act` and `check` may throw; `check` runs in the test's own process.
struct FaultOperation {
  /// Fills the folder that every trial begins with a copy of.
  std::function<void(const std::filesystem::path& folder)> begin;
  /// What is disturbed, and what is done again afterwards.
  std::function<void(const std::filesystem::path& folder)> act;
  /// Throws unless what was whole before the operation, or what it makes, is there and whole.
  std::function<void(const std::filesystem::path& folder)> check;
  /// Names (relative to the folder) whose bytes may differ from run to run.
  std::function<bool(const std::string&)> is_passed_over = [](const std::string&) { return false; };
};

class FaultTrials {
 public:
  explicit FaultTrials(FaultOperation operation) : operation_(std::move(operation)) {
    std::filesystem::create_directory(scratch_ / "begin");
    std::filesystem::create_directory(scratch_ / "graveyard");
    EXPECT_EQ(in_a_process(scratch_ / "begin", operation_.begin, {}), 0) << message();
    renew();
    EXPECT_EQ(in_a_process(work(), operation_.act, {}), 0) << message();
    expected_ = files_below(work(), operation_.is_passed_over);
  }

  /// The process is killed before each call that changes something; also with what was not flushed
  /// undone.
  void kill_at_every_change(FaultKind kind, bool has_unnamed_files = true) {
    for_calls(has_unnamed_files, is_change, [&](int64_t at) {
      const int result =
          disturbed({.root = {}, .kind = kind, .at = at, .has_unnamed_files = has_unnamed_files});
      EXPECT_EQ(result, -SIGKILL) << message();
    });
    if (kind == FaultKind::kPowerCut) {
      cut_power_after_the_end(has_unnamed_files);
    }
  }

  /// Each call fails with `error`: the operation fails with an exception, or does without.
  void fail_every_call(int error, bool has_unnamed_files = true) {
    const bool is_full_disk = error == ENOSPC;
    for_calls(has_unnamed_files, is_full_disk ? takes_space : is_any, [&](int64_t at) {
      const int result = disturbed({.root = {},
                                    .kind = FaultKind::kError,
                                    .at = at,
                                    .error = error,
                                    .has_unnamed_files = has_unnamed_files});
      EXPECT_TRUE(result == 0 || result == kThrew) << "ended with " << result << ": " << message();
    });
  }

  /// All reads and writes are short, or all calls are interrupted: nothing else may change.
  void disturb_all_calls(FaultKind kind) {
    renew();
    EXPECT_EQ(disturbed({.root = {}, .kind = kind}), 0) << message();
    expect_as_undisturbed();
  }

 private:
  static constexpr int kThrew = 3;

  FaultOperation operation_;
  ScratchFolder scratch_;
  std::map<std::string, std::string> expected_;

  std::filesystem::path work() const { return scratch_ / "work"; }
  std::string message() const {
    const std::filesystem::path path = scratch_ / "message";
    return std::filesystem::exists(path) ? get_bytes(path) : "";
  }

  static bool is_any(const std::string& /*call*/) { return true; }
  static bool is_change(const std::string& call) {
    static const std::set<std::string> changes = {"create", "write", "fsync", "rename",   "link",
                                                  "unlink", "rmdir", "mkdir", "ftruncate"};
    return changes.contains(call.substr(0, call.find(' ')));
  }
  static bool takes_space(const std::string& call) {
    static const std::set<std::string> calls = {"create", "write", "fsync",
                                                "rename", "link",  "mkdir"};
    return calls.contains(call.substr(0, call.find(' ')));
  }

  void renew() const {
    std::filesystem::remove_all(work());
    std::filesystem::copy(
        scratch_ / "begin", work(),
        std::filesystem::copy_options::recursive | std::filesystem::copy_options::copy_symlinks);
  }

  /// Runs `act` on a folder in a process with faults. Returns 0, kThrew after an exception, another
  /// exit code, or minus the signal that ended it.
  int in_a_process(const std::filesystem::path& folder,
                   const std::function<void(const std::filesystem::path&)>& act,
                   FaultPlan plan) const {
    const pid_t process = ::fork();
    if (process == 0) {
      const rlimit no_dump = {0, 0};
      ::setrlimit(RLIMIT_CORE, &no_dump);
      ::alarm(120);
      plan.root = folder.string();
      plan.graveyard = (scratch_ / "graveyard").string();
      start_file_faults(plan);
      try {
        act(folder);
      } catch (const std::exception& error) {
        put_bytes(scratch_ / "message", error.what());
        ::_exit(kThrew);
      }
      end_file_faults();
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(process, &status, 0);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  }

  int disturbed(const FaultPlan& plan) const {
    std::filesystem::remove(scratch_ / "message");
    return in_a_process(work(), operation_.act, plan);
  }

  std::vector<std::string> list_calls(bool has_unnamed_files) const {
    renew();
    const int list = ::open((scratch_ / "list").c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
    EXPECT_EQ(in_a_process(work(), operation_.act,
                           {.root = {}, .has_unnamed_files = has_unnamed_files, .list = list}),
              0);
    ::close(list);
    std::istringstream lines(get_bytes(scratch_ / "list"));
    std::vector<std::string> calls;
    for (std::string line; std::getline(lines, line);) {
      calls.push_back(line);
    }
    EXPECT_FALSE(calls.empty());
    return calls;
  }

  void for_calls(bool has_unnamed_files,
                 bool (*is_meant)(const std::string&),
                 const std::function<void(int64_t at)>& run) {
    const std::vector<std::string> calls = list_calls(has_unnamed_files);
    for (size_t i = 0; i < calls.size() && !testing::Test::HasFailure(); ++i) {
      if (is_meant(calls[i])) {
        SCOPED_TRACE("call " + std::to_string(i + 1) + " of " + std::to_string(calls.size()) +
                     ": " + calls[i]);
        renew();
        run(static_cast<int64_t>(i) + 1);
        expect_whole();
        expect_next_run_goes_on();
      }
    }
  }

  /// An operation that has ended well lasts.
  void cut_power_after_the_end(bool has_unnamed_files) const {
    SCOPED_TRACE("after the end");
    renew();
    EXPECT_EQ(disturbed({.root = {},
                         .kind = FaultKind::kPowerCut,
                         .at = std::numeric_limits<int64_t>::max(),
                         .has_unnamed_files = has_unnamed_files}),
              -SIGKILL)
        << message();
    // Removed names may come back, for the next run to remove; what was made must be there.
    const std::map<std::string, std::string> files = files_below(work(), operation_.is_passed_over);
    for (const auto& [name, bytes] : expected_) {
      const auto found = files.find(name);
      EXPECT_TRUE(found != files.end() && found->second == bytes) << name << " did not last";
    }
    expect_next_run_goes_on();
  }

  void expect_whole() const {
    try {
      operation_.check(work());
    } catch (const std::exception& error) {
      ADD_FAILURE() << "not whole: " << error.what() << "\nafter: " << message();
    }
  }

  void expect_next_run_goes_on() const {
    EXPECT_EQ(in_a_process(work(), operation_.act, {}), 0) << "the next run: " << message();
    expect_as_undisturbed();
  }

  void expect_as_undisturbed() const {
    const std::map<std::string, std::string> files = files_below(work(), operation_.is_passed_over);
    for (const auto& [name, bytes] : files) {
      const auto found = expected_.find(name);
      EXPECT_TRUE(found != expected_.end()) << name << " was left behind";
      EXPECT_TRUE(found == expected_.end() || found->second == bytes) << name << " differs";
    }
    for (const auto& [name, bytes] : expected_) {
      EXPECT_TRUE(files.contains(name)) << name << " is missing";
    }
  }
};

}  // namespace brt
