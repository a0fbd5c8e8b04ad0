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

/// How long a thread of this process has waited for a core since it began. Takes a few
/// microseconds. Nothing if there is no such thread or the system does not tell.
std::optional<std::chrono::nanoseconds> core_delay(int64_t thread);

/// Cuts the work of some threads into windows and measures how much of each they had no core for.
class DelayWindow {
 public:
  /// Takes the memory that windows of so many threads need.
  void reserve(int64_t threads);

  /// Adds time in which the threads worked. Whether the window is long enough to be judged.
  bool add(std::chrono::nanoseconds worked);

  /// Ends the window and begins the next. How long the threads together waited for a core, divided
  /// by the window's length. Threads that were not given when it began do not count.
  double end(std::span<const int64_t> threads);

 private:
  struct ThreadDelay {
    int64_t thread = 0;
    std::chrono::nanoseconds delay{0};
  };

  std::chrono::nanoseconds worked_{0};
  std::vector<ThreadDelay> begin_;  ///< of the threads when the window began
  std::vector<ThreadDelay> end_;    ///< kept so that nothing is allocated
};

}  // namespace brt
