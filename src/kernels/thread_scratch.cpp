// SPDX-License-Identifier: Apache-2.0
// One allocation a thread, on the heap: a stack of 1 MiB (a common size outside Linux's main
// thread, and what callers of the C interface may have) has no room for the tiles of a product.
#include "kernels/thread_scratch.h"

#include <cstdlib>
#include <memory>
#include <new>

#include "base/divide_up.h"

namespace brt::kernels {
namespace {

constexpr int64_t kLine = 64;

struct Free {
  void operator()(char* memory) const { std::free(memory); }
};

}  // namespace

char* thread_scratch(int64_t bytes) {
  thread_local std::unique_ptr<char, Free> memory;
  thread_local int64_t size = 0;
  if (size < bytes) {
    const int64_t rounded = round_up(bytes, kLine);
    size = 0;
    memory.reset(static_cast<char*>(
        std::aligned_alloc(static_cast<size_t>(kLine), static_cast<size_t>(rounded))));
    if (memory == nullptr) {
      throw std::bad_alloc();
    }
    size = rounded;
  }
  return memory.get();
}

}  // namespace brt::kernels
