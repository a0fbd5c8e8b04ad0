// SPDX-License-Identifier: Apache-2.0
// SIGINT, SIGTERM and SIGHUP as a request to stop in good order.
#include "stop_signal.h"

#include <atomic>
#include <csignal>

#include <unistd.h>

namespace brt {
namespace {

constexpr int kSignalExitCode = 128;

std::atomic<int> first_signal = 0;
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may not lock");

void handle_signal(int signal) {
  int none = 0;
  const bool is_first = first_signal.compare_exchange_strong(none, signal);
  if (!is_first && signal != SIGHUP) {  // a terminal that closes may hang up more than once
    _exit(kSignalExitCode + signal);
  }
}

}  // namespace

void catch_stop_signals() {
  struct sigaction action = {};
  action.sa_handler = handle_signal;
  action.sa_flags = SA_RESTART;  // no write of a checkpoint may fail because of the signal
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  struct sigaction before = {};
  if (sigaction(SIGHUP, nullptr, &before) != 0 || before.sa_handler != SIG_IGN) {
    sigaction(SIGHUP, &action, nullptr);
  }
}

bool stop_requested() { return first_signal.load() != 0; }

int stop_exit_code() {
  const int signal = first_signal.load();
  return signal == 0 ? 0 : kSignalExitCode + signal;
}

}  // namespace brt
