// SPDX-License-Identifier: Apache-2.0
// LibTorch's number of threads, changed while it computes.
#include "ops/compute_threads.h"

#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>

#include <ATen/Parallel.h>

#include "base/available_cores.h"
#include "base/core_delay.h"
#include "base/error.h"
#include "base/team_size.h"

namespace brt {
namespace {

using Clock = std::chrono::steady_clock;

/// The threads of the process, as LibTorch has one set of them.
struct ComputeThreads {
  TeamSize size;
  DelayWindow window = {};
  Clock::time_point seen = Clock::now();
};

std::optional<ComputeThreads>& process_team() {
  static std::optional<ComputeThreads> team;
  return team;
}

int64_t default_threads() {
  const char* chosen = std::getenv("OMP_NUM_THREADS");
  return chosen != nullptr && *chosen != '\0' ? at::get_num_threads() : available_cores();
}

}  // namespace

void set_compute_threads(int64_t threads) {
  if (threads < 0) {
    throw ConfigError("threads must be at least 0, got " + std::to_string(threads));
  }
  const int64_t most = threads == 0 ? default_threads() : threads;
  process_team() = ComputeThreads{.size = TeamSize(most)};
  at::set_num_threads(static_cast<int>(most));
}

int64_t compute_threads() {
  return process_team() ? process_team()->size.most() : at::get_num_threads();
}

void share_cores() {
  std::optional<ComputeThreads>& team = process_team();
  if (!team || team->size.most() == 1) {
    return;
  }
  const Clock::time_point now = Clock::now();
  const bool is_long_enough = team->window.add(now - team->seen);
  team->seen = now;
  if (!is_long_enough) {
    return;
  }
  const int64_t before = team->size.size();
  const std::chrono::nanoseconds length = team->window.length();
  team->size.end_window(team->window.end(process_threads()), length);
  if (team->size.size() != before) {
    at::set_num_threads(static_cast<int>(team->size.size()));
  }
}

}  // namespace brt
