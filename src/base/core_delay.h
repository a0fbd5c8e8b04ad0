// SPDX-License-Identifier: Apache-2.0
// How long threads were ready to run while other threads had the cores.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace brt {

/// The calling thread's number, as the system counts threads.
int64_t thread_number();

/// All threads of this process; none where that cannot be told.
std::vector<int64_t> process_threads();

/// How long the threads together have waited for a core since each began; a few microseconds a
/// thread. Threads that have ended count nothing. Nothing where the system does not tell.
std::optional<std::chrono::nanoseconds> core_delay(std::span<const int64_t> threads);

/// Cuts the work of some threads into windows and measures how much of each they had no core for.
class DelayWindow {
 public:
  /// Adds time in which the threads worked. Whether the window is long enough to be judged.
  bool add(std::chrono::nanoseconds worked);
  /// What add() was given since the window began.
  std::chrono::nanoseconds length() const { return worked_; }

  /// Ends the window and begins the next. How long the threads together waited for a core, divided
  /// by the window's length; 0 where that is not known, as for the first window and when other
  /// threads worked in the window before.
  double end(std::span<const int64_t> threads);

 private:
  std::chrono::nanoseconds worked_{0};
  std::vector<int64_t> threads_;  ///< whose delay was read when the window began
  std::optional<std::chrono::nanoseconds> delay_;
};

}  // namespace brt
