// SPDX-License-Identifier: Apache-2.0
// Norms of rows against the formula.
#include "engine/rms_norm_rows.h"

#include <gtest/gtest.h>

#include "engine/plain_model.h"
#include "engine/random_floats.h"
#include "support/tolerance.h"

namespace brt {
namespace {

constexpr size_t kWidth = 19;

TEST(RmsNormRows, EveryRowHasItsOwnNorm) {
  const std::vector<float> x = random_floats(4 * kWidth, 1);
  const std::vector<float> gain = random_floats(kWidth, 2);
  std::vector<float> out(x.size());
  std::vector<float> root(4);
  rms_norm_rows(x, gain, out.data(), root.data());
  for (size_t r = 0; r < 4; ++r) {
    const float* row = x.data() + r * kWidth;
    const PlainVector wanted = plain_rms_norm({row, row + kWidth}, {gain.begin(), gain.end()});
    EXPECT_LT(worst_error(std::span(out).subspan(r * kWidth, kWidth), wanted), tolerance::kFloat32);
  }
}

TEST(RmsNormRows, ARowAloneHasTheSameBits) {
  const std::vector<float> x = random_floats(4 * kWidth, 3);
  const std::vector<float> gain = random_floats(kWidth, 4);
  std::vector<float> together(x.size());
  std::vector<float> alone(kWidth);
  std::vector<float> root(4);
  rms_norm_rows(x, gain, together.data(), root.data());
  rms_norm_rows(std::span(x).subspan(2 * kWidth, kWidth), gain, alone.data(), root.data());
  EXPECT_TRUE(std::ranges::equal(alone, std::span(together).subspan(2 * kWidth, kWidth)));
}

TEST(RmsNormRows, AZeroRowStaysZero) {
  const std::vector<float> x(kWidth, 0.0F);
  const std::vector<float> gain(kWidth, 3.0F);
  std::vector<float> out(kWidth, 1.0F);
  float root = 0.0F;
  rms_norm_rows(x, gain, out.data(), &root);
  EXPECT_EQ(out, x);
}

}  // namespace
}  // namespace brt
