// SPDX-License-Identifier: Apache-2.0
// Sums over a buffer, for the time they take.
#include "generate/read_bandwidth.h"

#include <atomic>
#include <chrono>
#include <cstring>

#include "generate/alignment.h"

namespace brt {
namespace {

constexpr double kLongEnough = 0.01;  // seconds

using Vector = uint64_t __attribute__((vector_size(16)));  // of every machine
constexpr size_t kSums = 8;  // side by side, so that no addition waits for the one before

/// Reads [begin, end), multiples of 64 bytes.
uint64_t sum_of(const std::byte* begin, const std::byte* end) {
  Vector sums[kSums] = {};
  const std::byte* place = begin;
  for (; place + sizeof(sums) <= end; place += sizeof(sums)) {
    Vector values[kSums];
    std::memcpy(&values, place, sizeof(values));
    for (size_t i = 0; i < kSums; ++i) {
      sums[i] += values[i];
    }
  }
  uint64_t total = 0;
  for (const Vector& sum : sums) {
    total += sum[0] + sum[1];
  }
  for (; place < end; ++place) {
    total += static_cast<uint64_t>(*place);
  }
  return total;
}

}  // namespace

ReadBandwidth::ReadBandwidth(int64_t bytes, int64_t threads)
    : buffer_(round_up(bytes, kAlignment)), team_(threads) {}

double ReadBandwidth::measure() {
  std::atomic<uint64_t> sum = 0;
  const auto pass = [&] {
    team_.run([&](int64_t thread) {
      const Range lines = team_.part(buffer_.bytes() / kAlignment, thread);
      sum += sum_of(buffer_.data() + lines.begin * kAlignment,
                    buffer_.data() + lines.end * kAlignment);
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
