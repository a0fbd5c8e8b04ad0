// SPDX-License-Identifier: Apache-2.0
// Threads that compute one step together, with barriers that cost less than a microsecond.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "base/core_delay.h"
#include "base/team_size.h"

namespace brt {

/// A part of [0, count).
struct Range {
  int64_t begin = 0;
  int64_t end = 0;
};

/// How many of a team's threads work in its next call of run(). For tests, which force it.
using ChooseTeamSize = std::function<int64_t()>;

/// Threads that run the same function and meet at its barriers. A waiting thread spins for a short
/// while, then sleeps. When other programs take the cores, fewer threads work in a call; what they
/// compute must not depend on their number.
///
/// After a fork the child has a team of its own: its threads begin with its first call of run().
class ThreadTeam {
 public:
  /// @param threads  at least 1; the caller of run() is one of them. If the system refuses to start
  ///                 so many, the team has fewer: at most one for each core.
  explicit ThreadTeam(int64_t threads, ChooseTeamSize choose_size = {});
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  /// The most threads that work in a call.
  int64_t most() const { return team_size_.most(); }
  /// Within run(): threads that work in this call.
  int64_t size() const { return size_; }

  /// Calls work(thread) for every thread [0, size()) and returns when all have. `work` must not
  /// throw and every thread must pass the same barriers. Not to be called by several threads at
  /// once.
  template <class Work>
  void run(const Work& work) {
    start([](const void* object, int64_t thread) { (*static_cast<const Work*>(object))(thread); },
          &work);
  }

  /// Within run(), of the thread that calls: returns when every thread has called it.
  void barrier(int64_t thread);

  /// Within run(): the thread's part of [0, count). Parts are equal to within one.
  Range part(int64_t count, int64_t thread) const {
    return {count * thread / size_, count * (thread + 1) / size_};
  }

 private:
  using Function = void (*)(const void* object, int64_t thread);

  /// Something that threads wait for.
  struct Signal {
    std::atomic<uint32_t> count = 0;
    std::atomic<uint32_t> sleepers = 0;  ///< that a change of count must wake

    void set(uint32_t value);
    /// Until count is no longer `old`; returns whether the thread slept.
    bool wait_while(uint32_t old, std::chrono::microseconds spin);
  };
  /// What the others see of a thread. A line of the cache for each part, so that a barrier costs
  /// one exchange between cores, half of what a shared counter does.
  struct Member {
    alignas(64) Signal arrivals;      ///< barriers that the thread has come to; only it raises this
    alignas(64) Signal calls;         ///< that the thread is to work in; also raised to end it
    std::atomic<int64_t> number = 0;  ///< of the thread, for the system
  };

  ChooseTeamSize choose_size_;
  TeamSize team_size_;
  int64_t size_ = 1;
  Function function_ = nullptr;
  const void* object_ = nullptr;
  int caller_core_ = -1;
  bool is_ending_ = false;
  uint64_t forks_ = 0;                 ///< of the process when the threads were started
  std::unique_ptr<Member[]> members_;  ///< of each thread, the caller's first
  std::vector<std::thread> helpers_;
  DelayWindow window_;
  std::vector<int64_t> numbers_;  ///< of all threads; kept so that nothing is allocated

  void start(Function function, const void* object);
  void call_helpers(int64_t size);
  void end_window();
  void start_helpers(int64_t threads);
  bool try_to_start(int64_t threads);
  void end_helpers();
  void forget_helpers();
  void serve(int64_t thread);
};

}  // namespace brt
