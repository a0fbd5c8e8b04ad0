// SPDX-License-Identifier: Apache-2.0
// How many threads work side by side while other programs want the cores too.
#pragma once

#include <chrono>
#include <cstdint>

namespace brt {

/// Threads that wait for each other are as slow as the one without a core. So a team whose threads
/// wait for cores gives some up, and tries from time to time whether they are free again, each time
/// after a longer pause. Works in windows: stretches of some steps that are measured together.
class TeamSize {
 public:
  /// @param most  at least 1; the size to begin with
  explicit TeamSize(int64_t most);

  int64_t most() const { return most_; }
  /// Of the current window: [1, most].
  int64_t size() const { return size_; }

  /// Ends a window.
  /// @param delay_share  how long the threads of the team together were ready but had no core,
  ///                     divided by the window's length
  /// @param length       of the window
  void end_window(double delay_share, std::chrono::nanoseconds length);

 private:
  int64_t most_;
  int64_t size_;
  int64_t pause_;                            ///< windows from giving up threads to the next try
  int64_t windows_ = 0;                      ///< since the size changed
  std::chrono::nanoseconds busy_time_ = {};  ///< of the last windows, in a row
  bool is_trying_ = false;                   ///< the size has grown, and may not stay
};

}  // namespace brt
