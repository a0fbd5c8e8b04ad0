// SPDX-License-Identifier: Apache-2.0
// Linux tells of each thread, in /proc/self/task/NUMBER/schedstat: time on a core, time ready but
// without one, both in nanoseconds, and time slices.
#include "base/core_delay.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#if defined(__linux__)
#include <dirent.h>
#include <sys/syscall.h>
#endif

namespace brt {
namespace {

/// A time slice on a busy core lasts some 3 ms: this many tell a busy machine from a short
/// disturbance, and reading the delays of a team takes less than a thousandth of the time.
constexpr std::chrono::milliseconds kWindow{100};

/// The second number of the file; nothing if it cannot be read.
std::optional<int64_t> delay_of(int64_t thread) {
  std::array<char, 64> path = {};
  std::snprintf(path.data(), path.size(), "/proc/self/task/%lld/schedstat",
                static_cast<long long>(thread));
  const int file = ::open(path.data(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    return std::nullopt;
  }
  std::array<char, 96> text = {};
  const ssize_t size = ::read(file, text.data(), text.size() - 1);
  ::close(file);
  const char* end = text.data() + (size > 0 ? size : 0);
  const char* space = std::find<const char*>(text.data(), end, ' ');
  int64_t nanoseconds = 0;
  if (space == end || std::from_chars(space + 1, end, nanoseconds).ec != std::errc{}) {
    return std::nullopt;
  }
  return nanoseconds;
}

}  // namespace

int64_t thread_number() {
#if defined(__linux__)
  return ::syscall(SYS_gettid);
#else
  return 0;
#endif
}

std::vector<int64_t> process_threads() {
  std::vector<int64_t> numbers;
#if defined(__linux__)
  DIR* folder = ::opendir("/proc/self/task");
  if (folder == nullptr) {
    return numbers;
  }
  while (const dirent* entry = ::readdir(folder)) {
    int64_t number = 0;
    const char* end = entry->d_name + std::strlen(entry->d_name);
    if (std::from_chars(entry->d_name, end, number).ptr == end) {  // not "." and ".."
      numbers.push_back(number);
    }
  }
  ::closedir(folder);
#endif
  return numbers;
}

std::optional<std::chrono::nanoseconds> core_delay(std::span<const int64_t> threads) {
  std::chrono::nanoseconds sum{0};
  bool is_known = false;
  for (const int64_t thread : threads) {
    if (const std::optional<int64_t> delay = delay_of(thread)) {
      sum += std::chrono::nanoseconds(*delay);
      is_known = true;
    }
  }
  return is_known ? std::optional(sum) : std::nullopt;
}

bool DelayWindow::add(std::chrono::nanoseconds worked) {
  worked_ += worked;
  return worked_ >= kWindow;
}

double DelayWindow::end(std::span<const int64_t> threads) {
  const std::optional<std::chrono::nanoseconds> delay = core_delay(threads);
  const bool is_known = delay && delay_ && *delay > *delay_ && worked_.count() > 0 &&
                        std::ranges::equal(threads, threads_);
  const double share = is_known ? static_cast<double>((*delay - *delay_).count()) /
                                      static_cast<double>(worked_.count())
                                : 0.0;
  worked_ = std::chrono::nanoseconds(0);
  threads_.assign(threads.begin(), threads.end());
  delay_ = delay;
  return share;
}

}  // namespace brt
