// SPDX-License-Identifier: Apache-2.0
// Random numbers that depend on a seed and a purpose only, never on the machine or the run's past.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace brt {

/// A seed for one purpose, e.g. derive_seed(run_seed, "document order", {epoch}).
uint64_t derive_seed(uint64_t seed,
                     std::string_view purpose,
                     std::span<const int64_t> indices = {});
uint64_t derive_seed(uint64_t seed,
                     std::string_view purpose,
                     std::initializer_list<int64_t> indices);

/// xoshiro256** (Blackman and Vigna, 2018), seeded by SplitMix64. The state can be saved.
class SeededRandom {
 public:
  explicit SeededRandom(uint64_t seed);

  uint64_t next();
  /// Uniform in [0, 1), 53 bits.
  double uniform();
  /// Uniform in [0, limit), without bias. limit >= 1.
  uint64_t below(uint64_t limit);
  /// Fisher-Yates.
  template <class T>
  void shuffle(std::span<T> items) {
    for (size_t i = items.size(); i > 1; --i) {
      std::swap(items[i - 1], items[below(i)]);
    }
  }

  std::array<uint64_t, 4> state() const { return state_; }
  void set_state(const std::array<uint64_t, 4>& state) { state_ = state; }

 private:
  std::array<uint64_t, 4> state_;
};

}  // namespace brt
