// SPDX-License-Identifier: Apache-2.0
// Memory from the system, in huge pages where that pays.
#include "engine/aligned_buffer.h"

#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include <sys/mman.h>

#include "base/divide_up.h"
#include "engine/alignment.h"

namespace brt {
namespace {

constexpr int64_t kHugePage = int64_t{2} << 20;

std::byte* allocate(int64_t bytes) {
  if (bytes == 0) {
    return nullptr;
  }
  const int64_t alignment = bytes >= kHugePage ? kHugePage : kAlignment;
  const int64_t padded = round_up(bytes, alignment);
  void* memory = std::aligned_alloc(static_cast<size_t>(alignment), static_cast<size_t>(padded));
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
#if defined(MADV_HUGEPAGE)
  if (alignment == kHugePage) {
    // The small pages that an earlier allocation left here go first. Refused: small pages do too.
    ::madvise(memory, static_cast<size_t>(padded), MADV_DONTNEED);
    ::madvise(memory, static_cast<size_t>(padded), MADV_HUGEPAGE);
  }
#endif
  return static_cast<std::byte*>(memory);
}

}  // namespace

AlignedBuffer::AlignedBuffer(int64_t bytes) : data_(allocate(bytes)), bytes_(bytes) {
  if (bytes > 0) {
    std::memset(data_, 0, static_cast<size_t>(bytes));
  }
}

AlignedBuffer::~AlignedBuffer() { std::free(data_); }

AlignedBuffer::AlignedBuffer(const AlignedBuffer& other)
    : data_(allocate(other.bytes_)), bytes_(other.bytes_) {
  if (bytes_ > 0) {
    std::memcpy(data_, other.data_, static_cast<size_t>(bytes_));
  }
}

AlignedBuffer& AlignedBuffer::operator=(const AlignedBuffer& other) {
  if (this != &other) {
    if (bytes_ != other.bytes_) {
      *this = AlignedBuffer(other);
    } else if (bytes_ > 0) {
      std::memcpy(data_, other.data_, static_cast<size_t>(bytes_));
    }
  }
  return *this;
}

AlignedBuffer::AlignedBuffer(AlignedBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

AlignedBuffer& AlignedBuffer::operator=(AlignedBuffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

}  // namespace brt
