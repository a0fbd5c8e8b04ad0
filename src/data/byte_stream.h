// SPDX-License-Identifier: Apache-2.0
// One file or standard input as a stream of bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>

namespace brt {

/// Bytes, read once from front to end.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  /// Reads up to `size` bytes; 0 at the end. @throws DataError with the system's reason.
  virtual size_t read(char* buffer, size_t size) = 0;
  /// Waits until read() has something to give, its end included; false if nothing came within so
  /// many milliseconds or a signal did. Files never wait.
  virtual bool wait(int milliseconds);
  /// Bytes of the file on disk consumed so far.
  virtual uint64_t input_bytes_read() const = 0;
};

/// A file as it is; "-" is standard input. @throws DataError if it cannot be opened.
std::unique_ptr<ByteStream> open_plain_stream(const std::filesystem::path& path);

}  // namespace brt
