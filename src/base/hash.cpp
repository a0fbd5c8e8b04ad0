// SPDX-License-Identifier: Apache-2.0
// XXH3 through the xxhash library.
#include "base/hash.h"

#include <cerrno>
#include <new>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/files.h"

namespace brt {

struct StreamingHash::State {
  XXH3_state_t* xxh3 = XXH3_createState();
  State() {
    if (xxh3 == nullptr) {
      throw std::bad_alloc();
    }
    XXH3_64bits_reset(xxh3);
  }
  ~State() { XXH3_freeState(xxh3); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

uint64_t hash_bytes(std::string_view bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

StreamingHash::StreamingHash() : state_(std::make_unique<State>()) {}
StreamingHash::~StreamingHash() = default;
StreamingHash::StreamingHash(StreamingHash&&) noexcept = default;
StreamingHash& StreamingHash::operator=(StreamingHash&&) noexcept = default;

void StreamingHash::update(const void* data, size_t size) {
  XXH3_64bits_update(state_->xxh3, data, size);
}

uint64_t StreamingHash::digest() const { return XXH3_64bits_digest(state_->xxh3); }

uint64_t hash_file(const std::filesystem::path& path) {
  const Descriptor file = open_for_reading(path);
  StreamingHash hash;
  std::vector<char> buffer(size_t{1} << 16);
  while (true) {
    const ssize_t got = retried([&] { return ::read(file.get(), buffer.data(), buffer.size()); });
    if (got < 0) {
      throw_unreadable(path, "read failed", errno);
    }
    if (got == 0) {
      return hash.digest();
    }
    hash.update(buffer.data(), static_cast<size_t>(got));
  }
}

std::string hash_text(uint64_t hash) { return fmt::format("{:016x}", hash); }

}  // namespace brt
