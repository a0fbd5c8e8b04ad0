// SPDX-License-Identifier: Apache-2.0
// xoshiro256** and seeds derived by hashing.
#include "base/seeded_random.h"

#include <bit>

#include "base/hash.h"

namespace brt {

uint64_t derive_seed(uint64_t seed, std::string_view purpose, std::span<const int64_t> indices) {
  const uint64_t named = hash_bytes(purpose, seed);
  return hash_bytes({reinterpret_cast<const char*>(indices.data()), indices.size_bytes()}, named);
}

uint64_t derive_seed(uint64_t seed,
                     std::string_view purpose,
                     std::initializer_list<int64_t> indices) {
  return derive_seed(seed, purpose, std::span<const int64_t>(indices.begin(), indices.size()));
}

SeededRandom::SeededRandom(uint64_t seed) : state_{} {
  for (uint64_t& word : state_) {  // SplitMix64
    seed += 0x9e3779b97f4a7c15;
    uint64_t mixed = seed;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    word = mixed ^ (mixed >> 31);
  }
}

uint64_t SeededRandom::next() {
  const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

double SeededRandom::uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }

uint64_t SeededRandom::below(uint64_t limit) {
  const uint64_t reject_below = (-limit) % limit;  // 2^64 mod limit
  uint64_t value = next();
  while (value < reject_below) {
    value = next();
  }
  return value % limit;
}

}  // namespace brt
