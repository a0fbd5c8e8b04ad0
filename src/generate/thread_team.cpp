// SPDX-License-Identifier: Apache-2.0
// Starting, meeting and ending of threads.
#include "generate/thread_team.h"

#include <chrono>

#if defined(__linux__)
#include <sched.h>
#endif

namespace brt {
namespace {

constexpr int kSpinsBeforeYield = 1 << 9;  // some 10 us: another thread may have our core
constexpr std::chrono::microseconds kIdleSpin{200};

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/// Until `value` is no longer `old`, without sleeping.
void spin_while_equal(const std::atomic<uint32_t>& value, uint32_t old) {
  for (int spins = 0; value.load(std::memory_order_acquire) == old; ++spins) {
    if (spins < kSpinsBeforeYield) {
      relax();
    } else {
      std::this_thread::yield();
    }
  }
}

/// As spin_while_equal, but sleeps after a while; returns whether it did.
bool wait_while_equal(const std::atomic<uint32_t>& value, uint32_t old) {
  const std::chrono::steady_clock::time_point end = std::chrono::steady_clock::now() + kIdleSpin;
  constexpr int kLooksBetweenClocks = 64;
  do {
    for (int i = 0; i < kLooksBetweenClocks; ++i) {
      if (value.load(std::memory_order_acquire) != old) {
        return false;
      }
      relax();
    }
  } while (std::chrono::steady_clock::now() < end);
  value.wait(old, std::memory_order_acquire);
  return true;
}

/// The core that the calling thread runs on; -1 where that cannot be told.
int current_core() {
#if defined(__linux__)
  return ::sched_getcpu();
#else
  return -1;
#endif
}

/// Moves the calling thread to the core that is `distance` behind `core` among those it may use. A
/// thread that wakes up is often put beside the one that woke it, and as both spin, it takes the
/// system some 30 ms to part them.
void move_away_from(int core, int64_t distance) {
#if defined(__linux__)
  cpu_set_t allowed;
  if (core < 0 || ::sched_getaffinity(0, sizeof(allowed), &allowed) != 0) {
    return;
  }
  const int count = CPU_COUNT(&allowed);
  if (distance >= count || !CPU_ISSET(core, &allowed)) {
    return;
  }
  int target = core;
  for (int64_t steps = distance; steps > 0; --steps) {
    do {
      target = (target + 1) % CPU_SETSIZE;
    } while (!CPU_ISSET(target, &allowed));
  }
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(target, &only);
  ::sched_setaffinity(0, sizeof(only), &only);
  ::sched_setaffinity(0, sizeof(allowed), &allowed);
#endif
}

}  // namespace

ThreadTeam::ThreadTeam(int64_t threads)
    : size_(threads), arrivals_(std::make_unique<Arrivals[]>(static_cast<size_t>(threads))) {
  for (int64_t thread = 1; thread < threads; ++thread) {
    threads_.emplace_back([this, thread] { serve(thread); });
  }
}

ThreadTeam::~ThreadTeam() {
  is_ending_ = true;
  calls_.fetch_add(1, std::memory_order_release);
  calls_.notify_all();
  for (std::thread& thread : threads_) {
    thread.join();
  }
}

void ThreadTeam::barrier(int64_t thread) {
  std::atomic<uint32_t>& own = arrivals_[static_cast<size_t>(thread)].count;
  const uint32_t before = own.load(std::memory_order_relaxed);
  own.store(before + 1, std::memory_order_release);
  for (int64_t other = 0; other < size_; ++other) {  // which is at this barrier or the next one
    spin_while_equal(arrivals_[static_cast<size_t>(other)].count, before);
  }
}

void ThreadTeam::start(Function function, const void* object) {
  function_ = function;
  object_ = object;
  if (size_ > 1) {
    caller_core_ = current_core();
    calls_.fetch_add(1, std::memory_order_release);
    calls_.notify_all();
  }
  function(object, 0);
  barrier(0);
}

void ThreadTeam::serve(int64_t thread) {
  uint32_t seen = 0;
  while (true) {
    const bool slept = wait_while_equal(calls_, seen);
    ++seen;
    if (is_ending_) {
      return;
    }
    if (slept) {
      move_away_from(caller_core_, thread);
    }
    function_(object_, thread);
    barrier(thread);
  }
}

}  // namespace brt
