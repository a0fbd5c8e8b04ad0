// SPDX-License-Identifier: Apache-2.0
// Elementary functions beside those of the C library, and their bits.
#include "base/portable_math.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>

#include <gtest/gtest.h>

#include "base/hash.h"
#include "base/seeded_random.h"

namespace brt {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// Uniform in [low, high).
double between(SeededRandom& random, double low, double high) {
  return low + (high - low) * 0x1p-53 * static_cast<double>(random.below(uint64_t{1} << 53));
}

TEST(PortableMath, ExpAgreesWithTheLibrarys) {
  SeededRandom random(1);
  for (int i = 0; i < 20000; ++i) {
    const double x = between(random, -700.0, 700.0);
    EXPECT_NEAR(portable_exp(x), std::exp(x), 3e-16 * std::exp(x)) << x;
  }
  EXPECT_EQ(portable_exp(0.0), 1.0);
  EXPECT_EQ(portable_exp(-kInfinity), 0.0);
  EXPECT_TRUE(std::isnan(portable_exp(kNaN)));
}

TEST(PortableMath, ExpAddsWhatIsMissing) {
  const double low = 0x1p-60;
  EXPECT_EQ(portable_exp(1.0, 0.0), std::numbers::e);
  EXPECT_NEAR(portable_exp(0.0, 1e-7), std::exp(1e-7), 3e-16);
  EXPECT_EQ(portable_exp(1.0, low), portable_exp(1.0));
}

TEST(PortableMath, LogAgreesWithTheLibrarys) {
  SeededRandom random(2);
  for (int i = 0; i < 20000; ++i) {
    const double x = std::exp(between(random, -600.0, 600.0));
    EXPECT_NEAR(portable_log(x), std::log(x), 5e-16 * std::fabs(std::log(x))) << x;
    const double near_one = between(random, 0.5, 2.0);
    EXPECT_NEAR(portable_log(near_one), std::log(near_one), 5e-16 * std::fabs(std::log(near_one)));
  }
  EXPECT_EQ(portable_log(1.0), 0.0);
}

TEST(PortableMath, TanhAgreesWithTheLibrarys) {
  SeededRandom random(3);
  for (int i = 0; i < 20000; ++i) {
    const double size = std::exp(between(random, -30.0, 4.0));
    EXPECT_NEAR(portable_tanh(size), std::tanh(size), 2e-13 * std::tanh(size)) << size;
    EXPECT_EQ(portable_tanh(-size), -portable_tanh(size));
  }
  EXPECT_EQ(portable_tanh(kInfinity), 1.0);
  EXPECT_EQ(portable_tanh(0.0), 0.0);
  EXPECT_TRUE(std::isnan(portable_tanh(kNaN)));
}

TEST(PortableMath, SineAndCosineAgreeWithTheLibrarys) {
  SeededRandom random(4);
  for (int i = 0; i < 20000; ++i) {
    const double x = between(random, -1e5, 1e5);
    EXPECT_NEAR(portable_sin(x), std::sin(x), 3e-16) << x;
    EXPECT_NEAR(portable_cos(x), std::cos(x), 3e-16) << x;
  }
  // Near the zeros, where a reduction of too few bits leaves nothing right.
  for (int position = 1; position < 5000; ++position) {
    const double x = static_cast<double>(position) * std::numbers::pi;
    EXPECT_NEAR(portable_sin(x), std::sin(x), 1e-15 * std::fabs(std::sin(x))) << position;
    EXPECT_NEAR(portable_cos(x), std::cos(x), 3e-16) << position;
  }
  EXPECT_EQ(portable_sin(0.0), 0.0);
  EXPECT_EQ(portable_cos(0.0), 1.0);
}

/// On every machine: a result that depends on fused multiply-adds, or on the library, shows here.
TEST(PortableMath, HasTheSameBitsOnEveryMachine) {
  SeededRandom random(5);
  StreamingHash hash;
  for (int i = 0; i < 20000; ++i) {
    const double x = between(random, -600.0, 600.0);
    const double positive = portable_exp(x);
    for (const double value : {positive, portable_log(positive), portable_tanh(x / 300.0),
                               portable_sin(x), portable_cos(x)}) {
      hash.update(&value, sizeof value);
    }
  }
  EXPECT_EQ(hash.digest(), 15488755585357747306U);
}

}  // namespace
}  // namespace brt
