// SPDX-License-Identifier: Apache-2.0
// Memory that ends where nothing may be read or written.
#pragma once

#include <cstdint>
#include <stdexcept>

#include <sys/mman.h>
#include <unistd.h>

namespace brt {

/// An array whose last element lies right before a page that is out of bounds, and whose first page
/// follows one: an access beyond the end is a crash, by vector instructions too, which sanitizers
/// do not all see.
template <class T>
class GuardedBuffer {
 public:
  explicit GuardedBuffer(int64_t size) {
    const int64_t page = sysconf(_SC_PAGESIZE);
    const int64_t bytes = size * static_cast<int64_t>(sizeof(T));
    const int64_t pages = (bytes + page - 1) / page;
    bytes_ = static_cast<size_t>((pages + 2) * page);
    memory_ = mmap(nullptr, bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char* first = static_cast<char*>(memory_) + page;
    if (memory_ == MAP_FAILED || (pages > 0 && mprotect(first, static_cast<size_t>(pages * page),
                                                        PROT_READ | PROT_WRITE) != 0)) {
      throw std::runtime_error("GuardedBuffer: no memory");
    }
    data_ = reinterpret_cast<T*>(first + pages * page - bytes);
  }
  GuardedBuffer(const GuardedBuffer&) = delete;
  GuardedBuffer& operator=(const GuardedBuffer&) = delete;
  ~GuardedBuffer() { munmap(memory_, bytes_); }

  T* data() const { return data_; }

 private:
  void* memory_ = nullptr;
  size_t bytes_ = 0;
  T* data_ = nullptr;
};

}  // namespace brt
