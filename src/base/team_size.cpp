// SPDX-License-Identifier: Apache-2.0
// Giving up threads at once, taking them back with patience.
#include "base/team_size.h"

#include <algorithm>

namespace brt {
namespace {

/// A team of two that loses half of its time is as fast as one thread alone, which takes less from
/// the other programs. Beside one process that spins two threads on two cores wait 0.65 of the time
/// together, beside four 1.1; on a machine with nothing but small disturbances below 0.4.
constexpr double kTooMuchDelay = 0.5;
/// Without a break; less may be a disturbance. Two windows of the engine, one of a training's long
/// steps.
constexpr std::chrono::milliseconds kBusyTime{200};
/// While even the threads that are left wait for cores, more need not be tried.
constexpr double kLittleDelay = 1.0 / 8.0;
/// A try that fails costs a part of a window: so little at first, and less when the machine stays
/// busy. On a machine that has become free the team is whole again after as many windows.
constexpr int64_t kShortestPause = 4;
constexpr int64_t kLongestPause = 32;

/// A quarter of the team goes or comes at once, so that large teams reach any size in few windows.
int64_t part_of(int64_t size) { return std::max<int64_t>(size / 4, 1); }

}  // namespace

TeamSize::TeamSize(int64_t most) : most_(most), size_(most), pause_(kShortestPause) {}

void TeamSize::end_window(double delay_share, std::chrono::nanoseconds length) {
  ++windows_;
  busy_time_ = delay_share > kTooMuchDelay ? busy_time_ + length : std::chrono::nanoseconds(0);
  if (busy_time_ >= kBusyTime && size_ > 1) {
    size_ -= part_of(size_);
    pause_ = is_trying_ ? std::min(2 * pause_, kLongestPause) : kShortestPause;
    is_trying_ = false;
    windows_ = 0;
    busy_time_ = std::chrono::nanoseconds(0);
    return;
  }
  if (is_trying_ && windows_ >= kShortestPause) {
    is_trying_ = false;  // the size lasts
    pause_ = kShortestPause;
  }
  const bool is_due = is_trying_ || windows_ >= pause_;
  if (size_ < most_ && is_due && delay_share <= kLittleDelay) {
    size_ = std::min(size_ + part_of(size_), most_);
    is_trying_ = true;
    windows_ = 0;
  }
}

}  // namespace brt
