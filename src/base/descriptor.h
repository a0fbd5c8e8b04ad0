// SPDX-License-Identifier: Apache-2.0
// File descriptors that close themselves, and system calls that a signal does not fail.
#pragma once

#include <cerrno>
#include <utility>

#include <unistd.h>

namespace brt {

/// Calls again as long as a signal interrupts: retried([&] { return ::fsync(descriptor); }).
template <class Call>
auto retried(const Call& call) {
  auto result = call();
  while (result == -1 && errno == EINTR) {
    result = call();
  }
  return result;
}

/// Owns a descriptor; -1 is none.
class Descriptor {
 public:
  explicit Descriptor(int value = -1) : value_(value) {}
  ~Descriptor() { reset(); }
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return value_; }
  bool is_open() const { return value_ >= 0; }
  /// Linux frees the number even if close() fails, so it is not called twice. errno stays.
  void reset() {
    if (value_ >= 0) {
      const int before = errno;
      ::close(std::exchange(value_, -1));
      errno = before;
    }
  }

 private:
  int value_;
};

}  // namespace brt
