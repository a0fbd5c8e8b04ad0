// SPDX-License-Identifier: Apache-2.0
#include "kernels/rms_norm.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/kernel_values.h"

namespace brt::kernels {
namespace {

constexpr float kEpsilon = 1e-6F;
const std::vector<int64_t> kRows = {0, 1, 5};
const std::vector<int64_t> kWidths = {1, 7, 16, 33, 1000};

class RmsNormKernel : public OnEachTarget {};

/// Operands, and in float64 what the kernels should make of them.
template <class T>
struct Problem {
  Problem(int64_t num_rows, int64_t row_width)
      : rows(num_rows),
        width(row_width),
        x(normal_values<float>(rows * width, 1)),
        gain(normal_values<float>(width, 2)),
        out_gradient(normal_values<T>(rows * width, 3)),
        out(x.size()),
        root(static_cast<size_t>(rows), std::nanf("")),
        x_gradient(x.size(), std::nanf("")),
        gain_gradient(gain.size(), 0.0F) {
    for (T& value : out) {
      from_float(std::nanf(""), value);
    }
  }

  void run(int64_t begin, int64_t end) {
    rms_norm(RmsNormArgs<T>{x.data(), gain.data(), out.data(), root.data(), width, kEpsilon}, begin,
             end);
    rms_norm_backward(
        RmsNormBackwardArgs<T>{out_gradient.data(), x.data(), gain.data(), root.data(),
                               x_gradient.data(), gain_gradient.data(), width},
        begin, end);
  }

  double x_at(int64_t row, int64_t d) const { return x[static_cast<size_t>(row * width + d)]; }
  double gain_at(int64_t d) const { return gain[static_cast<size_t>(d)]; }
  double out_gradient_at(int64_t row, int64_t d) const {
    return to_float(out_gradient[static_cast<size_t>(row * width + d)]);
  }
  double exact_root(int64_t row) const {
    double squares = 0.0;
    for (int64_t d = 0; d < width; ++d) {
      squares += x_at(row, d) * x_at(row, d);
    }
    return 1.0 / std::sqrt(squares / static_cast<double>(width) + 1e-6);
  }

  int64_t rows;
  int64_t width;
  std::vector<float> x;
  std::vector<float> gain;
  std::vector<T> out_gradient;
  std::vector<T> out;
  std::vector<float> root;
  std::vector<float> x_gradient;
  std::vector<float> gain_gradient;
};

template <class T>
void expect_exact_outputs(const Problem<T>& problem) {
  const double limit = 5e-7 + rounding_of(problem.out.data());
  for (int64_t row = 0; row < problem.rows; ++row) {
    const double root = problem.exact_root(row);
    ASSERT_NEAR(problem.root[static_cast<size_t>(row)], root, 5e-7 * root);
    for (int64_t d = 0; d < problem.width; ++d) {
      const double want = problem.x_at(row, d) * root * problem.gain_at(d);
      ASSERT_NEAR(to_float(problem.out[static_cast<size_t>(row * problem.width + d)]), want,
                  limit * std::abs(want))
          << "row " << row << ", element " << d << " of " << problem.width;
    }
  }
}

template <class T>
void expect_exact_gradients(const Problem<T>& problem) {
  std::vector<double> gain_gradient(problem.gain.size(), 0.0);
  for (int64_t row = 0; row < problem.rows; ++row) {
    const double root = problem.exact_root(row);
    double products = 0.0;
    for (int64_t d = 0; d < problem.width; ++d) {
      products += problem.out_gradient_at(row, d) * problem.gain_at(d) * problem.x_at(row, d);
      gain_gradient[static_cast<size_t>(d)] +=
          problem.out_gradient_at(row, d) * problem.x_at(row, d) * root;
    }
    const double shift = products * std::pow(root, 3) / static_cast<double>(problem.width);
    for (int64_t d = 0; d < problem.width; ++d) {
      const double direct = problem.out_gradient_at(row, d) * problem.gain_at(d) * root;
      const double want = direct - problem.x_at(row, d) * shift;
      // relative to the terms: with width 1 they cancel, and x may be small
      ASSERT_NEAR(problem.x_gradient[static_cast<size_t>(row * problem.width + d)], want,
                  2e-6 * (1.0 + std::abs(direct)))
          << "row " << row << ", element " << d << " of " << problem.width;
    }
  }
  for (size_t d = 0; d < gain_gradient.size(); ++d) {
    ASSERT_NEAR(problem.gain_gradient[d], gain_gradient[d], 1e-5);
  }
}

template <class T>
void expect_exact() {
  for (const int64_t rows : kRows) {
    for (const int64_t width : kWidths) {
      Problem<T> problem(rows, width);
      problem.run(0, rows);
      expect_exact_outputs(problem);
      expect_exact_gradients(problem);
    }
  }
}

TEST_P(RmsNormKernel, EqualsItsFormulaAndGradientInFloat32) { expect_exact<float>(); }
TEST_P(RmsNormKernel, EqualsItsFormulaAndGradientInBfloat16) { expect_exact<Bfloat16>(); }

TEST_P(RmsNormKernel, RangesGiveTheSameBitsAsAllRowsAtOnce) {
  Problem<float> whole(9, 33);
  whole.run(0, 9);
  Problem<float> parts(9, 33);
  parts.run(0, 4);
  parts.run(4, 5);
  parts.run(5, 9);
  EXPECT_EQ(parts.out, whole.out);
  EXPECT_EQ(parts.root, whole.root);
  EXPECT_EQ(parts.x_gradient, whole.x_gradient);
  EXPECT_EQ(parts.gain_gradient, whole.gain_gradient);
}

TEST_P(RmsNormKernel, WritesNoRowOutsideOfTheRange) {
  Problem<float> problem(3, 7);
  problem.run(1, 2);
  for (size_t i = 0; i < problem.out.size(); ++i) {
    const bool in_range = i / 7 == 1;
    EXPECT_EQ(std::isnan(problem.out[i]), !in_range);
    EXPECT_EQ(std::isnan(problem.x_gradient[i]), !in_range);
  }
}

TEST_P(RmsNormKernel, ZerosStayZeroAndANanMakesItsRowNan) {
  Problem<float> problem(2, 20);
  std::fill(problem.x.begin(), problem.x.begin() + 20, 0.0F);
  problem.x[25] = std::nanf("");
  problem.run(0, 2);
  for (size_t i = 0; i < 20; ++i) {
    EXPECT_EQ(problem.out[i], 0.0F);
    EXPECT_TRUE(std::isnan(problem.out[20 + i]));
  }
}

INSTANTIATE_TEST_SUITE_P(Targets,
                         RmsNormKernel,
                         testing::ValuesIn(supported_targets()),
                         target_name);

}  // namespace
}  // namespace brt::kernels
