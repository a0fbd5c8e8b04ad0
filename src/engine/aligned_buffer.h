// SPDX-License-Identifier: Apache-2.0
// Zeroed memory for vectors: aligned to 64 bytes, in huge pages where it is large.
#pragma once

#include <cstddef>
#include <cstdint>

namespace brt {

/// Owns its memory; a copy is deep.
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(int64_t bytes);
  ~AlignedBuffer();
  AlignedBuffer(const AlignedBuffer& other);
  AlignedBuffer& operator=(const AlignedBuffer& other);
  AlignedBuffer(AlignedBuffer&& other) noexcept;
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept;

  std::byte* data() { return data_; }
  const std::byte* data() const { return data_; }
  int64_t bytes() const { return bytes_; }

  template <class T>
  T* at(int64_t offset) {
    return reinterpret_cast<T*>(data_ + offset);
  }
  template <class T>
  const T* at(int64_t offset) const {
    return reinterpret_cast<const T*>(data_ + offset);
  }

 private:
  std::byte* data_ = nullptr;
  int64_t bytes_ = 0;
};

}  // namespace brt
