// SPDX-License-Identifier: Apache-2.0
// Standard output through the C library, as fmt::print uses it.
#include "standard_output.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

namespace brt {
namespace {

constexpr int kSignalExitCode = 128;

bool outlives_reader = false;
bool is_gone = false;
bool line_is_open = false;  // the last byte written was no newline

/// A terminal that hung up fails with EIO; on a disk that is another matter.
bool means_gone(int reason) {
  struct stat status = {};
  return reason == EPIPE ||
         (reason == EIO && ::fstat(STDOUT_FILENO, &status) == 0 && !S_ISREG(status.st_mode));
}

/// After a call of stdio that failed.
void note_failure() {
  const int reason = errno;
  if (outlives_reader && means_gone(reason)) {
    is_gone = true;
    return;
  }
  throw Error(fmt::format("standard output: cannot be written: {}", std::strerror(reason)));
}

}  // namespace

void add_to_standard_output(std::string_view bytes) {
  if (is_gone || bytes.empty()) {
    return;
  }
  line_is_open = bytes.back() != '\n';
  if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) != bytes.size()) {
    note_failure();
  }
}

void flush_standard_output() {
  if (!is_gone && std::fflush(stdout) != 0) {
    note_failure();
  }
}

void write_standard_output(std::string_view bytes) {
  add_to_standard_output(bytes);
  flush_standard_output();
}

void end_line_on_terminal() {
  if (line_is_open && ::isatty(STDOUT_FILENO) == 1) {
    write_standard_output("\n");
  }
}

void outlive_reader() {
  outlives_reader = true;
  std::signal(SIGPIPE, SIG_IGN);
}

bool reader_is_gone() { return is_gone; }

void end_without_reader() {
  std::signal(SIGPIPE, SIG_DFL);
  std::raise(SIGPIPE);
  std::_Exit(kSignalExitCode + SIGPIPE);  // where the signal is blocked
}

}  // namespace brt
