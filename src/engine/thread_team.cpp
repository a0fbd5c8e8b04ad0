// SPDX-License-Identifier: Apache-2.0
// Starting, meeting and ending of threads.
#include "engine/thread_team.h"

#include <algorithm>
#include <climits>
#include <system_error>

#include <pthread.h>

#if defined(__linux__)
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "base/available_cores.h"

namespace brt {
namespace {

using Clock = std::chrono::steady_clock;

/// To sleep and be woken takes some 5 to 15 us, and nearly all waits at a barrier are shorter. Who
/// spins no longer than a few times that loses little to a thread without a core, which stays away
/// for milliseconds.
constexpr std::chrono::microseconds kBarrierSpin{50};
/// Between two calls a caller chooses a token, for which it passes over a vocabulary.
constexpr std::chrono::microseconds kIdleSpin{200};

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/// Returns when woken, or at once if `value` is not `old`; also without a cause. std::atomic's wait
/// would first yield the core a few times, which on a busy one means milliseconds each.
void sleep_while_equal(std::atomic<uint32_t>& value, uint32_t old) {
#if defined(__linux__)
  ::syscall(SYS_futex, &value, FUTEX_WAIT_PRIVATE, old, nullptr);
#else
  value.wait(old);
#endif
}

void wake_all(std::atomic<uint32_t>& value) {
#if defined(__linux__)
  ::syscall(SYS_futex, &value, FUTEX_WAKE_PRIVATE, INT_MAX);
#else
  value.notify_all();
#endif
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

std::atomic<uint64_t> forks_seen = 0;

/// How many forks lie between the process that loaded the program and this one.
uint64_t forks_of_process() {
  static const int registered = ::pthread_atfork(nullptr, nullptr, [] { ++forks_seen; });
  static_cast<void>(registered);
  return forks_seen.load(std::memory_order_relaxed);
}

}  // namespace

void ThreadTeam::Signal::set(uint32_t value) {
  // Either this sees who sleeps, or who is about to sleep sees the new value.
  count.store(value, std::memory_order_seq_cst);
  if (sleepers.load(std::memory_order_seq_cst) != 0) {
    wake_all(count);
  }
}

bool ThreadTeam::Signal::wait_while(uint32_t old, std::chrono::microseconds spin) {
  constexpr int kLooksBetweenClocks = 64;
  Clock::time_point end = {};
  do {
    for (int i = 0; i < kLooksBetweenClocks; ++i) {
      if (count.load(std::memory_order_acquire) != old) {
        return false;
      }
      relax();
    }
    const Clock::time_point now = Clock::now();
    if (end == Clock::time_point()) {
      end = now + spin;
    } else if (now >= end) {
      break;
    }
  } while (true);
  sleepers.fetch_add(1, std::memory_order_seq_cst);
  while (count.load(std::memory_order_seq_cst) == old) {
    sleep_while_equal(count, old);
  }
  sleepers.fetch_sub(1, std::memory_order_relaxed);
  return true;
}

ThreadTeam::ThreadTeam(int64_t threads, ChooseTeamSize choose_size)
    : choose_size_(std::move(choose_size)), team_size_(threads) {
  start_helpers(threads);
}

ThreadTeam::~ThreadTeam() {
  if (forks_ != forks_of_process()) {
    forget_helpers();
  }
  end_helpers();
}

/// As many as the system allows; if it refuses, it has nothing to spare, so that no more than are
/// of use are kept.
void ThreadTeam::start_helpers(int64_t threads) {
  forks_ = forks_of_process();
  while (!try_to_start(threads)) {
    threads = std::min(static_cast<int64_t>(helpers_.size()) + 1, available_cores());
    end_helpers();
  }
  team_size_ = TeamSize(threads);
  size_ = threads;
  numbers_.assign(static_cast<size_t>(threads), 0);
  window_ = {};
  window_.end(numbers_);
}

bool ThreadTeam::try_to_start(int64_t threads) {
  members_ = std::make_unique<Member[]>(static_cast<size_t>(threads));
  helpers_.reserve(static_cast<size_t>(threads) - 1);
  for (int64_t thread = 1; thread < threads; ++thread) {
    try {
      helpers_.emplace_back([this, thread] { serve(thread); });
    } catch (const std::system_error&) {
      return false;
    }
  }
  return true;
}

void ThreadTeam::end_helpers() {
  is_ending_ = true;
  for (size_t i = 0; i < helpers_.size(); ++i) {
    Signal& calls = members_[i + 1].calls;
    calls.set(calls.count.load(std::memory_order_relaxed) + 1);
  }
  for (std::thread& helper : helpers_) {
    helper.join();
  }
  helpers_.clear();
  is_ending_ = false;
}

/// After a fork the threads are the parent's: there is nothing to join, and a std::thread that is
/// not joined must not be destroyed.
void ThreadTeam::forget_helpers() {
  [[maybe_unused]] const std::vector<std::thread>* never_destroyed =
      new std::vector<std::thread>(std::move(helpers_));
  helpers_.clear();
}

void ThreadTeam::barrier(int64_t thread) {
  const int64_t size = size_;  // the caller may change it as soon as all have come
  if (size == 1) {
    return;
  }
  Signal& own = members_[static_cast<size_t>(thread)].arrivals;
  const uint32_t before = own.count.load(std::memory_order_relaxed);
  own.set(before + 1);
  for (int64_t other = 0; other < size; ++other) {  // which is at this barrier or the next one
    members_[static_cast<size_t>(other)].arrivals.wait_while(before, kBarrierSpin);
  }
}

void ThreadTeam::start(Function function, const void* object) {
  if (most() > 1 && forks_ != forks_of_process()) {
    forget_helpers();
    start_helpers(most());
  }
  if (most() == 1) {
    function(object, 0);
    return;
  }
  const Clock::time_point begin = Clock::now();
  function_ = function;
  object_ = object;
  call_helpers(choose_size_ ? choose_size_() : team_size_.size());
  function(object, 0);
  barrier(0);
  if (window_.add(Clock::now() - begin)) {
    end_window();
  }
}

void ThreadTeam::call_helpers(int64_t size) {
  // Those that were not in the last call have missed its barriers.
  const uint32_t arrivals = members_[0].arrivals.count.load(std::memory_order_relaxed);
  for (int64_t thread = size_; thread < size; ++thread) {
    members_[static_cast<size_t>(thread)].arrivals.count.store(arrivals, std::memory_order_relaxed);
  }
  size_ = size;
  caller_core_ = size > 1 ? current_core() : -1;
  for (int64_t thread = 1; thread < size; ++thread) {
    Signal& calls = members_[static_cast<size_t>(thread)].calls;
    calls.set(calls.count.load(std::memory_order_relaxed) + 1);
  }
}

void ThreadTeam::end_window() {
  numbers_[0] = thread_number();
  for (size_t thread = 1; thread < numbers_.size(); ++thread) {
    numbers_[thread] = members_[thread].number.load(std::memory_order_relaxed);
  }
  const std::chrono::nanoseconds length = window_.length();
  team_size_.end_window(window_.end(numbers_), length);
}

void ThreadTeam::serve(int64_t thread) {
  Member& own = members_[static_cast<size_t>(thread)];
  own.number.store(thread_number(), std::memory_order_relaxed);
  uint32_t seen = 0;
  while (true) {
    const bool slept = own.calls.wait_while(seen, kIdleSpin);
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
