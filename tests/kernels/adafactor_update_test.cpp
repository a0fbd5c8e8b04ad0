// SPDX-License-Identifier: Apache-2.0
// The passes of Adafactor on their range of rows or elements, against the formula written out.
#include "kernels/adafactor_update.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/sum_of_squares.h"

namespace brt::kernels {
namespace {

constexpr int64_t kRows = 5;
constexpr AdafactorWeight<double> kTarget = {
    .momentum = nullptr, .weight = nullptr, .beta1 = 0.75, .change_scale = 0.5};

std::vector<double> waves(int64_t size, double frequency) {
  std::vector<double> values;
  for (int64_t i = 0; i < size; ++i) {
    values.push_back(1.5 + std::sin(frequency * static_cast<double>(i)));
  }
  return values;
}

void expect_near(const std::vector<double>& got, const std::vector<double>& want) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_NEAR(got[i], want[i], 1e-11) << "element " << i;
  }
}

/// Momentum and weight of the elements [begin, end), from the change of each.
void apply(std::vector<double>& momentum,
           std::vector<double>& weight,
           const std::vector<double>& change,
           int64_t begin,
           int64_t end) {
  for (size_t i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
    momentum[i] = 0.75 * momentum[i] + 0.25 * 0.5 * change[i];
    weight[i] -= momentum[i];
  }
}

class AdafactorUpdate : public testing::TestWithParam<int64_t> {
 protected:
  int64_t columns() const { return GetParam(); }
};

TEST_P(AdafactorUpdate, SquaresAreAddedByRowAndByColumn) {
  const std::vector<double> gradient = waves(kRows * columns(), 0.7);
  std::vector<double> row_sums(kRows, -1.0);
  std::vector<double> column_sums(gradient.size() / kRows, 2.0);
  std::vector<double> want_rows = row_sums;
  std::vector<double> want_columns = column_sums;
  adafactor_add_squares(gradient.data(), columns(), 1, 4, row_sums.data(), column_sums.data());
  for (size_t row = 1; row < 4; ++row) {
    want_rows[row] = 0.0;
    for (size_t j = 0; j < want_columns.size(); ++j) {
      const double g = gradient[row * want_columns.size() + j];
      want_rows[row] += g * g;
      want_columns[j] += g * g;
    }
  }
  expect_near(row_sums, want_rows);
  expect_near(column_sums, want_columns);
}

TEST_P(AdafactorUpdate, FactoredChangeReachesItsRowsOnly) {
  const int64_t size = kRows * columns();
  const std::vector<double> gradient = waves(size, 0.7);
  const std::vector<double> row_factor = waves(kRows, 0.4);
  const std::vector<double> column_factor = waves(columns(), 0.3);
  std::vector<double> change(gradient.size());
  double squares = 0.0;
  for (size_t i = 0; i < change.size(); ++i) {
    const size_t width = column_factor.size();
    change[i] = gradient[i] * row_factor[i / width] * column_factor[i % width];
    const bool is_in_range = i >= 2 * width && i < 4 * width;
    squares += is_in_range ? change[i] * change[i] : 0.0;
  }
  const FactoredChange<double> factored = {gradient.data(), row_factor.data(), column_factor.data(),
                                           columns()};
  EXPECT_NEAR(adafactor_change_squares(factored, 2, 4), squares, 1e-12 * (1.0 + squares));
  std::vector<double> momentum = waves(size, 0.2);
  std::vector<double> weight = waves(size, 0.1);
  std::vector<double> want_momentum = momentum;
  std::vector<double> want_weight = weight;
  AdafactorWeight<double> target = kTarget;
  target.momentum = momentum.data();
  target.weight = weight.data();
  adafactor_apply(factored, target, 2, 4);
  apply(want_momentum, want_weight, change, 2 * columns(), 4 * columns());
  expect_near(momentum, want_momentum);
  expect_near(weight, want_weight);
}

TEST_P(AdafactorUpdate, FullChangeReachesItsElementsOnly) {
  const int64_t size = columns() + 4;
  const int64_t begin = 3;
  const int64_t end = size - 1;
  const std::vector<double> gradient = waves(size, 0.7);
  std::vector<double> second_moment = waves(size, 0.5);
  std::vector<double> want_moment = second_moment;
  std::vector<double> change(gradient.size());
  double squares = 0.0;
  for (size_t i = 3; i < static_cast<size_t>(end); ++i) {
    const double g = 0.5 * gradient[i];
    want_moment[i] = 0.75 * want_moment[i] + 0.25 * (g * g + 0.125);
    change[i] = g / std::sqrt(want_moment[i]);
    squares += change[i] * change[i];
  }
  const FullChange<double> full = {gradient.data(), second_moment.data(), 0.5};
  EXPECT_NEAR(adafactor_second_moment(full, 0.75, 0.125, begin, end), squares,
              1e-12 * (1.0 + squares));
  expect_near(second_moment, want_moment);
  std::vector<double> momentum = waves(size, 0.2);
  std::vector<double> weight = waves(size, 0.1);
  std::vector<double> want_momentum = momentum;
  std::vector<double> want_weight = weight;
  AdafactorWeight<double> target = kTarget;
  target.momentum = momentum.data();
  target.weight = weight.data();
  adafactor_apply(full, target, begin, end);
  apply(want_momentum, want_weight, change, begin, end);
  expect_near(momentum, want_momentum);
  expect_near(weight, want_weight);
}

INSTANTIATE_TEST_SUITE_P(Columns,
                         AdafactorUpdate,
                         testing::Values(0, 1, 3, 16, 37, 511, 512, 513, 1300));

TEST(SumOfSquaresKernel, CountsItsRangeOnly) {
  const std::vector<float> values(100, 0.5f);
  for (int64_t begin = 0; begin < 20; ++begin) {
    for (int64_t end = begin; end <= 100; ++end) {
      EXPECT_EQ(sum_of_squares(values.data(), begin, end), 0.25 * static_cast<double>(end - begin));
    }
  }
}

}  // namespace
}  // namespace brt::kernels
