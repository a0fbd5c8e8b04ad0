// SPDX-License-Identifier: Apache-2.0
// 64-bit XXH3 hashes: checksums of files and seeds derived from names. Not for security.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace brt {

/// XXH3 of a run of bytes.
uint64_t hash_bytes(std::string_view bytes, uint64_t seed = 0);

/// XXH3 of bytes that arrive in parts; equals hash_bytes of all of them joined.
class StreamingHash {
 public:
  StreamingHash();
  ~StreamingHash();
  StreamingHash(StreamingHash&&) noexcept;
  StreamingHash& operator=(StreamingHash&&) noexcept;
  StreamingHash(const StreamingHash&) = delete;
  StreamingHash& operator=(const StreamingHash&) = delete;

  void update(const void* data, size_t size);
  uint64_t digest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// XXH3 of a whole file, read in pieces. @throws FileAbsent or FileUnreadable.
uint64_t hash_file(const std::filesystem::path& path);

/// Sixteen lower-case hexadecimal digits, most significant first.
std::string hash_text(uint64_t hash);

}  // namespace brt
