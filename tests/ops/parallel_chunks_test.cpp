// SPDX-License-Identifier: Apache-2.0
// Work divided among threads: every chunk once, really on several threads, errors carried over.
#include "ops/parallel_chunks.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <ATen/Parallel.h>

namespace brt {
namespace {

/// Sets LibTorch's number of threads and puts the old one back.
class NumThreads {
 public:
  explicit NumThreads(int threads) : before_(at::get_num_threads()) {
    at::set_num_threads(threads);
  }
  ~NumThreads() { at::set_num_threads(before_); }
  NumThreads(const NumThreads&) = delete;
  NumThreads& operator=(const NumThreads&) = delete;

 private:
  int before_;
};

/// Chunks that each wait until `count` of them run at the same time, for ten seconds at most.
class Meeting {
 public:
  explicit Meeting(int64_t count) : expected_(count) {}

  void join() {
    std::unique_lock<std::mutex> lock(mutex_);
    threads_.insert(std::this_thread::get_id());
    ++arrived_;
    all_here_.notify_all();
    met_ = all_here_.wait_for(lock, std::chrono::seconds(10),
                              [this] { return arrived_ >= expected_; });
  }
  bool met() const { return met_; }
  size_t num_threads() const { return threads_.size(); }

 private:
  int64_t expected_;
  int64_t arrived_ = 0;
  bool met_ = false;
  std::set<std::thread::id> threads_;
  std::mutex mutex_;
  std::condition_variable all_here_;
};

TEST(ParallelChunks, EveryChunkRunsOnce) {
  for (const int threads : {1, 2, 3}) {
    const NumThreads num_threads(threads);
    for (const int64_t count : {0, 1, 2, 7, 100}) {
      std::vector<int> runs(static_cast<size_t>(count), 0);
      parallel_chunks(count, [&runs](int64_t chunk) { ++runs[static_cast<size_t>(chunk)]; });
      EXPECT_EQ(runs, std::vector<int>(static_cast<size_t>(count), 1));
    }
  }
}

TEST(ParallelChunks, TasksThatRunTogetherHaveDifferentSlots) {
  for (const int threads : {1, 2, 3}) {
    const NumThreads num_threads(threads);
    for (const int64_t count : {0, 1, 2, 100}) {
      std::vector<int> runs(static_cast<size_t>(count), 0);
      std::vector<std::atomic<int>> busy(static_cast<size_t>(threads));
      parallel_tasks(count, threads, [&](int64_t task, int64_t slot) {
        EXPECT_EQ(busy.at(static_cast<size_t>(slot)).fetch_add(1), 0);
        ++runs[static_cast<size_t>(task)];
        busy[static_cast<size_t>(slot)].fetch_sub(1);
      });
      EXPECT_EQ(runs, std::vector<int>(static_cast<size_t>(count), 1));
    }
  }
}

TEST(ParallelChunks, TwoThreadsRunAtTheSameTime) {
  const NumThreads num_threads(2);
  Meeting meeting(2);
  parallel_chunks(2, [&meeting](int64_t) { meeting.join(); });
  EXPECT_TRUE(meeting.met());
  EXPECT_EQ(meeting.num_threads(), 2u);
}

TEST(ParallelChunks, OneThreadIsTheCallersInOrder) {
  const NumThreads num_threads(1);
  std::vector<int64_t> order;
  std::set<std::thread::id> threads;
  parallel_chunks(5, [&](int64_t chunk) {
    order.push_back(chunk);
    threads.insert(std::this_thread::get_id());
  });
  EXPECT_EQ(order, (std::vector<int64_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(threads, std::set<std::thread::id>{std::this_thread::get_id()});
}

TEST(ParallelChunks, WithinAnotherRegionItStaysOnItsThread) {
  const NumThreads num_threads(2);
  std::vector<std::set<std::thread::id>> threads(2);
  parallel_chunks(2, [&threads](int64_t outer) {
    std::set<std::thread::id>& own = threads[static_cast<size_t>(outer)];
    own.insert(std::this_thread::get_id());
    parallel_chunks(8, [&own](int64_t) { own.insert(std::this_thread::get_id()); });
  });
  EXPECT_EQ(threads[0].size(), 1u);
  EXPECT_EQ(threads[1].size(), 1u);
}

TEST(ParallelChunks, ThrowsWhatAChunkThrewAfterAllHaveRun) {
  for (const int threads : {1, 2}) {
    const NumThreads num_threads(threads);
    std::string message;
    try {
      parallel_chunks(4, [](int64_t chunk) {
        if (chunk == 2) {
          throw std::runtime_error("chunk 2");
        }
      });
    } catch (const std::runtime_error& error) {
      message = error.what();
    }
    EXPECT_EQ(message, "chunk 2") << threads << " threads";
  }
}

}  // namespace
}  // namespace brt
