// SPDX-License-Identifier: Apache-2.0
#include "kernels/softmax_gradient.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/cpu_target.h"

namespace brt::kernels {
namespace {

class SoftmaxGradient : public testing::TestWithParam<CpuTarget> {
 protected:
  void SetUp() override { force_cpu_target(GetParam()); }
  void TearDown() override { force_cpu_target(supported_targets().back()); }
};

std::vector<float> random_logits(int64_t size, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal(0.0F, 4.0F);
  std::vector<float> values(static_cast<size_t>(size));
  for (float& value : values) {
    value = normal(random);
  }
  return values;
}

constexpr float kScale = 0.37F;

TEST_P(SoftmaxGradient, ExponentialIsWithinItsStatedError) {
  std::vector<float> x;
  for (float value = 0.0F; value > -87.0F; value -= 0.00137F) {  // e^-87 is still a normal number
    x.push_back(value);
  }
  const SoftmaxSum identity{0.0F, 1.0};
  const float factor = 1.0F;
  std::vector<float> out(x.size());
  const int64_t size = static_cast<int64_t>(x.size());
  softmax_gradient(
      SoftmaxGradientArgs<float>{x.data(), size, &identity, &factor, out.data(), size, 1, size});
  for (size_t i = 0; i < x.size(); ++i) {
    const double want = std::exp(static_cast<double>(x[i]));
    ASSERT_NEAR(out[i] / want, 1.0, 3e-7) << "exp(" << x[i] << ")";
  }
}

TEST_P(SoftmaxGradient, ExponentialEndsInZeroAndKeepsNan) {
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> x = {0.0F, -100.0F, -104.0F, -1e30F, -infinity, std::nanf("")};
  const SoftmaxSum identity{0.0F, 1.0};
  const float factor = 1.0F;
  std::vector<float> out(x.size());
  const int64_t size = static_cast<int64_t>(x.size());
  softmax_gradient(
      SoftmaxGradientArgs<float>{x.data(), size, &identity, &factor, out.data(), size, 1, size});
  EXPECT_EQ(out[0], 1.0F);
  EXPECT_EQ(out[1], 0.0F);  // e^-100 is no normal number
  EXPECT_EQ(out[2], 0.0F);
  EXPECT_EQ(out[3], 0.0F);
  EXPECT_EQ(out[4], 0.0F);
  EXPECT_TRUE(std::isnan(out[5]));
}

TEST_P(SoftmaxGradient, SumsInPiecesEqualTheExactSum) {
  for (const int64_t columns : {1, 15, 16, 17, 100, 1000}) {
    for (const int64_t piece : {1, 7, 16, 333, 1000}) {
      const int64_t rows = 3;
      const std::vector<float> logits = random_logits(rows * columns, 1);
      std::vector<SoftmaxSum> sums(static_cast<size_t>(rows));
      for (int64_t from = 0; from < columns; from += piece) {
        softmax_sums({logits.data() + from, columns, rows, std::min(piece, columns - from), kScale,
                      sums.data()});
      }
      for (int64_t row = 0; row < rows; ++row) {
        const float* begin = logits.data() + row * columns;
        const double largest = *std::max_element(begin, begin + columns);
        double want = 0.0;
        for (int64_t c = 0; c < columns; ++c) {
          want += std::exp((begin[c] - largest) * static_cast<double>(kScale));
        }
        const SoftmaxSum& got = sums[static_cast<size_t>(row)];
        EXPECT_EQ(got.maximum, static_cast<float>(largest));
        EXPECT_NEAR(got.sum / want, 1.0, 2e-6) << columns << " columns in pieces of " << piece;
      }
    }
  }
}

template <class T>
void expect_gradient(double tolerance) {
  for (const int64_t columns : {1, 15, 16, 17, 100}) {
    const int64_t rows = 4;
    const int64_t stride = columns + 3;
    const std::vector<float> logits = random_logits(rows * columns, 2);
    const std::vector<float> factors = {1.0F, -2.0F, 0.0F, 1e-6F};
    std::vector<SoftmaxSum> sums(static_cast<size_t>(rows));
    softmax_sums({logits.data(), columns, rows, columns, kScale, sums.data()});
    T untouched;
    from_float(7.0F, untouched);
    std::vector<T> out(static_cast<size_t>(rows * stride), untouched);
    softmax_gradient(SoftmaxGradientArgs<T>{logits.data(), columns, sums.data(), factors.data(),
                                            out.data(), stride, rows, columns, kScale});
    for (int64_t row = 0; row < rows; ++row) {
      const SoftmaxSum& sum = sums[static_cast<size_t>(row)];
      for (int64_t c = 0; c < stride; ++c) {
        const double got = to_float(out[static_cast<size_t>(row * stride + c)]);
        if (c >= columns) {
          ASSERT_EQ(got, 7.0);
          continue;
        }
        const double logit = logits[static_cast<size_t>(row * columns + c)];
        const double want = factors[static_cast<size_t>(row)] *
                            std::exp((logit - sum.maximum) * static_cast<double>(kScale)) / sum.sum;
        ASSERT_NEAR(got, want, tolerance * std::abs(want)) << "row " << row << " column " << c;
      }
    }
  }
}

TEST_P(SoftmaxGradient, EqualsTheFormulaInFloat32) { expect_gradient<float>(2e-6); }
TEST_P(SoftmaxGradient, EqualsTheFormulaInBfloat16) { expect_gradient<Bfloat16>(1.0 / 256); }

TEST_P(SoftmaxGradient, ALogitThatIsNotFiniteMakesTheSumNan) {
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    for (const size_t place : {0, 16, 20}) {
      std::vector<float> logits = random_logits(21, 3);
      logits[place] = bad;
      SoftmaxSum sum;
      softmax_sums({logits.data(), 21, 1, 21, kScale, &sum});
      EXPECT_TRUE(std::isnan(sum.sum)) << bad << " at " << place;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Targets,
                         SoftmaxGradient,
                         testing::ValuesIn(supported_targets()),
                         [](const testing::TestParamInfo<CpuTarget>& target) {
                           return std::string(to_word(target.param));
                         });

}  // namespace
}  // namespace brt::kernels
