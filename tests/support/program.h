// SPDX-License-Identifier: Apache-2.0
// The program `brt` in processes of its own: started, signalled, awaited, its output kept.
#pragma once

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/seeded_random.h"

namespace brt {

/// Surroundings of a process.
struct ProcessOptions {
  std::filesystem::path folder = {};             ///< the folder it runs in; empty: that of the test
  std::filesystem::path input = "/dev/null";     ///< its standard input
  std::filesystem::path output = "/dev/null";    ///< its standard output, appended to
  std::filesystem::path messages = "/dev/null";  ///< its standard error, appended to
  int64_t most_file_bytes = -1;                  ///< longest file it may write; negative: any
  bool has_closed_outputs = false;               ///< starts with stdout and stderr closed
  int64_t most_memory_bytes = -1;                ///< of addresses it may take; negative: any
};

class Process {
 public:
  Process(const std::vector<std::string>& arguments, const ProcessOptions& options) {
    process_ = ::fork();
    if (process_ == 0) {
      become(arguments, options);
    }
  }
  /// Output and messages go to one file.
  Process(const std::vector<std::string>& arguments, const std::filesystem::path& log)
      : Process(arguments, {.folder = {}, .output = log, .messages = log}) {}
  ~Process() {
    if (process_ > 0) {
      ::kill(process_, SIGKILL);
      wait();
    }
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void signal(int number) const { ::kill(process_, number); }

  bool is_running() {
    int status = 0;
    const pid_t ended = ::waitpid(process_, &status, WNOHANG);
    if (ended == process_) {
      remember(status);
    }
    return process_ > 0;
  }

  /// The exit code, or minus the signal that ended it.
  int wait() {
    int status = 0;
    if (process_ > 0 && ::waitpid(process_, &status, 0) == process_) {
      remember(status);
    }
    return result_;
  }

 private:
  pid_t process_ = -1;
  int result_ = 0;

  void remember(int status) {
    process_ = -1;
    result_ = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  }

  [[noreturn]] static void become(const std::vector<std::string>& arguments,
                                  const ProcessOptions& options) {
    const int flags = O_WRONLY | O_CREAT | O_APPEND;
    ::dup2(::open(options.input.c_str(), O_RDONLY), STDIN_FILENO);
    ::dup2(::open(options.output.c_str(), flags, 0666), STDOUT_FILENO);
    ::dup2(::open(options.messages.c_str(), flags, 0666), STDERR_FILENO);
    const bool is_there = options.folder.empty() || ::chdir(options.folder.c_str()) == 0;
    if (options.most_file_bytes >= 0) {
      const rlim_t bytes = static_cast<rlim_t>(options.most_file_bytes);
      const rlimit limit = {bytes, bytes};
      ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    if (options.has_closed_outputs) {
      ::close(STDOUT_FILENO);
      ::close(STDERR_FILENO);
    }
    if (options.most_memory_bytes >= 0) {
      const rlim_t bytes = static_cast<rlim_t>(options.most_memory_bytes);
      const rlimit limit = {bytes, bytes};
      ::setrlimit(RLIMIT_AS, &limit);
    }
    std::vector<char*> words = {const_cast<char*>(BRT_PROGRAM)};
    for (const std::string& argument : arguments) {
      words.push_back(const_cast<char*>(argument.c_str()));
    }
    words.push_back(nullptr);
    if (is_there) {
      ::execv(BRT_PROGRAM, words.data());
    }
    ::_exit(127);
  }
};

/// A file's bytes; empty if there is no such file.
inline std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << stream.rdbuf();
  return bytes.str();
}

/// Every file below a folder with its bytes, and every folder. Lock files say who held them last,
/// which is of no account.
inline std::map<std::string, std::string> contents_of(const std::filesystem::path& folder) {
  std::map<std::string, std::string> contents;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const bool is_lock = entry.path().extension() == ".lock" || entry.path().filename() == ".lock";
    contents[entry.path().lexically_relative(folder).string()] =
        !is_lock && std::filesystem::is_regular_file(entry.symlink_status())
            ? bytes_of(entry.path())
            : std::string("not a file");
  }
  return contents;
}

/// About `bytes` letters in words.
inline std::string words(int64_t bytes, uint64_t seed) {
  SeededRandom random(seed);
  std::string text;
  while (static_cast<int64_t>(text.size()) < bytes) {
    text += random.below(5) == 0 ? ' ' : static_cast<char>('a' + random.below(26));
  }
  return text;
}

}  // namespace brt
