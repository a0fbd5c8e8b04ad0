// SPDX-License-Identifier: Apache-2.0
// Threads that compute one step together, with barriers that cost less than a microsecond.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace brt {

/// A part of [0, count).
struct Range {
  int64_t begin = 0;
  int64_t end = 0;
};

/// All threads run the same function and meet at its barriers. Between calls of run() the threads
/// spin for a short while, then sleep.
class ThreadTeam {
 public:
  /// @param threads  at least 1; the caller of run() is one of them
  explicit ThreadTeam(int64_t threads);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  int64_t size() const { return size_; }

  /// Calls work(thread) for every thread [0, size) and returns when all have. `work` must not throw
  /// and every thread must pass the same barriers. Not to be called by several threads at once.
  template <class Work>
  void run(const Work& work) {
    start([](const void* object, int64_t thread) { (*static_cast<const Work*>(object))(thread); },
          &work);
  }

  /// Within run(), of the thread that calls: returns when every thread has called it.
  void barrier(int64_t thread);

  /// The thread's part of [0, count): parts are equal to within one.
  Range part(int64_t count, int64_t thread) const {
    return {count * thread / size_, count * (thread + 1) / size_};
  }

 private:
  using Function = void (*)(const void* object, int64_t thread);

  int64_t size_;
  Function function_ = nullptr;
  const void* object_ = nullptr;
  int caller_core_ = -1;
  std::vector<std::thread> threads_;
  /// Barriers that a thread has come to. On a cache line of its own, which only that thread writes:
  /// a barrier then costs one exchange between cores, half of what a shared counter does.
  struct alignas(64) Arrivals {
    std::atomic<uint32_t> count = 0;
  };
  std::unique_ptr<Arrivals[]> arrivals_;         ///< of each thread
  alignas(64) std::atomic<uint32_t> calls_ = 0;  ///< of run(); also raised to end the threads
  bool is_ending_ = false;

  void start(Function function, const void* object);
  void serve(int64_t thread);
};

}  // namespace brt
