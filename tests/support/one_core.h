// SPDX-License-Identifier: Apache-2.0
// The test's process, and those that it starts, on one core.
#pragma once

#include <stdexcept>

#include <sched.h>

namespace brt {

/// Takes all cores but one from the calling thread, which threads and processes that it starts
/// inherit, for as long as it lives.
class OneCore {
 public:
  OneCore() {
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(::sched_getcpu(), &only);
    if (::sched_getaffinity(0, sizeof(before_), &before_) != 0 ||
        ::sched_setaffinity(0, sizeof(only), &only) != 0) {
      throw std::runtime_error("the cores of this process cannot be set");
    }
  }
  ~OneCore() { ::sched_setaffinity(0, sizeof(before_), &before_); }
  OneCore(const OneCore&) = delete;
  OneCore& operator=(const OneCore&) = delete;

 private:
  cpu_set_t before_ = {};
};

}  // namespace brt
