// SPDX-License-Identifier: Apache-2.0
// A handler that uses nothing but write() and _exit().
#include "cut_file_signal.h"

#include <csignal>
#include <cstring>

#include <unistd.h>

#include "base/mapped_file.h"

namespace brt {
namespace {

constexpr int kFailed = 1;

void put(const char* text) {
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text, std::strlen(text));
}

void handle_bus_error(int signal, siginfo_t* info, void* /*context*/) {
  const char* file = file_at_address(info->si_addr);
  if (file == nullptr) {
    std::signal(signal, SIG_DFL);  // the instruction runs again, and ends the process as it did
    return;
  }
  put("brt: ");
  put(file);
  put(": became shorter, or its disk failed, while it was being read\n"
      "hint: let no other program write to the file meanwhile, and run the command again\n");
  _exit(kFailed);
}

}  // namespace

void catch_cut_files() {
  struct sigaction action = {};
  action.sa_sigaction = handle_bus_error;
  action.sa_flags = SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, nullptr);
}

}  // namespace brt
