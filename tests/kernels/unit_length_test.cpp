// SPDX-License-Identifier: Apache-2.0
#include "kernels/unit_length.h"

#include <cmath>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/kernel_values.h"

namespace brt::kernels {
namespace {

constexpr float kEpsilon = 1e-6F;

class UnitLengthKernel : public OnEachTarget {};

template <class T>
struct Result {
  std::vector<T> out;
  std::vector<T> x_gradient;
};

template <class T>
Result<T> run(const std::vector<T>& x,
              const std::vector<T>& out_gradient,
              int64_t width,
              const std::vector<int64_t>& bounds) {
  Result<T> result{std::vector<T>(x.size()), std::vector<T>(x.size())};
  const UnitLengthArgs<T> args{x.data(), result.out.data(), width, kEpsilon};
  const UnitLengthBackwardArgs<T> backward_args{out_gradient.data(), x.data(),
                                                result.x_gradient.data(), width, kEpsilon};
  for (size_t i = 1; i < bounds.size(); ++i) {
    unit_length(args, bounds[i - 1], bounds[i]);
    unit_length_backward(backward_args, bounds[i - 1], bounds[i]);
  }
  return result;
}

template <class T>
void expect_exact() {
  for (const int64_t rows : {0, 1, 5}) {
    for (const int64_t width : {1, 7, 32, 33, 64, 128, 1000}) {
      const std::vector<T> x = normal_values<T>(rows * width, 1);
      const std::vector<T> out_gradient = normal_values<T>(rows * width, 2);
      const Result<T> got = run(x, out_gradient, width, {0, rows});
      const double rounding = rounding_of(x.data());
      for (int64_t row = 0; row < rows; ++row) {
        double squares = 1e-6;
        double products = 0.0;
        for (int64_t k = 0; k < width; ++k) {
          const size_t i = static_cast<size_t>(row * width + k);
          const double value = to_float(x[i]);
          squares += value * value;
          products += value * static_cast<double>(to_float(out_gradient[i]));
        }
        for (int64_t k = 0; k < width; ++k) {
          const size_t i = static_cast<size_t>(row * width + k);
          const double value = to_float(x[i]);
          const double out = value / std::sqrt(squares);
          ASSERT_NEAR(to_float(got.out[i]), out, (5e-7 + rounding) * std::abs(out))
              << "row " << row << ", element " << k << " of " << width;
          const double direct = static_cast<double>(to_float(out_gradient[i])) / std::sqrt(squares);
          const double gradient = direct - value * products / std::pow(squares, 1.5);
          ASSERT_NEAR(to_float(got.x_gradient[i]), gradient,
                      2e-6 * (1.0 + std::abs(direct)) + rounding * std::abs(gradient))
              << "row " << row << ", element " << k << " of " << width;
        }
      }
    }
  }
}

TEST_P(UnitLengthKernel, EqualsItsFormulaAndGradientInFloat32) { expect_exact<float>(); }
TEST_P(UnitLengthKernel, EqualsItsFormulaAndGradientInBfloat16) { expect_exact<Bfloat16>(); }

TEST_P(UnitLengthKernel, RangesGiveTheSameBitsAsAllRowsAtOnce) {
  const std::vector<float> x = normal_values<float>(9 * 33, 1);
  const std::vector<float> out_gradient = normal_values<float>(9 * 33, 2);
  const Result<float> whole = run(x, out_gradient, 33, {0, 9});
  const Result<float> parts = run(x, out_gradient, 33, {0, 2, 3, 9});
  EXPECT_EQ(parts.out, whole.out);
  EXPECT_EQ(parts.x_gradient, whole.x_gradient);
}

TEST_P(UnitLengthKernel, ZeroStaysZeroAndHasAGradient) {
  const std::vector<float> zeros(20, 0.0F);
  const std::vector<float> ones(20, 1.0F);
  const Result<float> got = run(zeros, ones, 20, {0, 1});
  for (size_t i = 0; i < zeros.size(); ++i) {
    EXPECT_EQ(got.out[i], 0.0F);
    EXPECT_NEAR(got.x_gradient[i], 1e3, 1e-2);  // rsqrt(1e-6)
  }
}

INSTANTIATE_TEST_SUITE_P(Targets,
                         UnitLengthKernel,
                         testing::ValuesIn(supported_targets()),
                         target_name);

}  // namespace
}  // namespace brt::kernels
