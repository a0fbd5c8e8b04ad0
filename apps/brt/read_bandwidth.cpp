// SPDX-License-Identifier: Apache-2.0
// Sums over a buffer, for the time they take.
#include "read_bandwidth.h"

#include <atomic>
#include <chrono>

#include "engine/alignment.h"
#include "kernels/word_sum.h"

namespace brt {
namespace {

constexpr double kLongEnough = 0.01;  // seconds

}  // namespace

ReadBandwidth::ReadBandwidth(int64_t bytes, int64_t threads)
    : buffer_(round_up(bytes, kAlignment)), team_(threads) {}

double ReadBandwidth::measure() {
  std::atomic<uint64_t> sum = 0;
  const auto pass = [&] {
    team_.run([&](int64_t thread) {
      const Range lines = team_.part(buffer_.bytes() / kAlignment, thread);
      sum += kernels::word_sum(buffer_.at<const uint64_t>(lines.begin * kAlignment),
                               lines.end - lines.begin);
    });
  };
  pass();  // into the cache, where it fits
  const std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  double seconds = 0.0;
  int64_t passes = 0;
  while (seconds < kLongEnough) {
    pass();
    ++passes;
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  sum_ += sum;
  return static_cast<double>(passes * buffer_.bytes()) / seconds;
}

}  // namespace brt
