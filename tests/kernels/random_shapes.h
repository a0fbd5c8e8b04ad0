// SPDX-License-Identifier: Apache-2.0
// Random sizes, and values between guard pages, for tests of every CPU target.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <random>

#include "kernels/kernel_values.h"
#include "support/guarded_buffer.h"

namespace brt::kernels {

/// Shapes of each test: 150, or what BRT_RANDOM_SHAPES says (make sanitize: 10,000).
inline int64_t num_shapes() {
  const char* text = std::getenv("BRT_RANDOM_SHAPES");
  return text == nullptr ? 150 : std::atoll(text);
}

/// An array of its own pages, filled with values between two limits.
template <class T>
class Values : public GuardedBuffer<T> {
 public:
  Values(std::mt19937_64& random, int64_t size, float smallest = -1.0F, float largest = 1.0F)
      : GuardedBuffer<T>(size), size_(size) {
    std::uniform_real_distribution<float> value(smallest, largest);
    for (int64_t i = 0; i < size; ++i) {
      set(value(random), this->data()[i]);
    }
  }

  int64_t size() const { return size_; }

 private:
  int64_t size_;

  static void set(float value, double& out) { out = static_cast<double>(value); }
  static void set(float value, float& out) { out = value; }
  static void set(float value, Bfloat16& out) { out = to_bfloat16(value); }
};

class RandomShapes : public OnEachTarget {
 protected:
  int64_t pick(int64_t smallest, int64_t largest) {
    return std::uniform_int_distribution<int64_t>(smallest, largest)(random_);
  }

  /// 1 to `largest`, small ones more often: many shapes then take little time.
  int64_t pick_size(int64_t largest) {
    const double part = std::uniform_real_distribution<double>(0.0, 1.0)(random_);
    return 1 + static_cast<int64_t>(part * part * static_cast<double>(largest));
  }

  bool pick_half() { return pick(0, 1) == 0; }

  /// Calls run(begin, end) for [0, count) in one or two ranges.
  template <class Run>
  void in_ranges(int64_t count, const Run& run) {
    const int64_t middle = pick(0, count);
    run(int64_t{0}, middle);
    run(middle, count);
  }

  template <class T>
  static testing::AssertionResult all_finite(const Values<T>& values) {
    for (int64_t i = 0; i < values.size(); ++i) {
      if (!std::isfinite(number(values.data()[i]))) {
        return testing::AssertionFailure() << "element " << i << " of " << values.size();
      }
    }
    return testing::AssertionSuccess();
  }

  static double number(double value) { return value; }
  static double number(float value) { return static_cast<double>(value); }
  static double number(Bfloat16 value) { return static_cast<double>(to_float(value)); }

  std::mt19937_64 random_{7};
};

}  // namespace brt::kernels
