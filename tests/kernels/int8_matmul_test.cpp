// SPDX-License-Identifier: Apache-2.0
#include "kernels/int8_matmul.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/cpu_target.h"
#include "kernels/kernel_values.h"
#include "support/guarded_buffer.h"

namespace brt::kernels {
namespace {

struct Shape {
  int64_t rows;
  int64_t columns;
  int64_t depth;
};

const std::vector<Shape> kShapes = {{1, 1, 1},      {1, 64, 4},     {5, 65, 7},     {3, 128, 64},
                                    {4, 63, 33},    {2, 130, 258},  {97, 70, 1021}, {13, 200, 513},
                                    {8, 100, 31},   {0, 64, 8},     {2, 64, 16384}, {257, 70, 64},
                                    {48, 128, 640}, {9, 192, 1100}, {20, 64, 33000}};

size_t place(int64_t i) { return static_cast<size_t>(i); }

/// Float operands and what becomes of them, rows padded by more than is needed.
struct Problem {
  Problem(const Shape& wanted, std::vector<float> activations, std::vector<float> matrix)
      : shape(wanted), x(std::move(activations)), weights(std::move(matrix)) {
    const int64_t padded_columns = num_panels(shape.columns) * kPanelColumns;
    stride = int8_padded_depth(shape.depth) + 5;
    panels.resize(place(num_panels(shape.columns) * int8_panel_size(shape.depth)), 99);
    column_scale.resize(place(padded_columns), 9.0F);
    column_sum.resize(place(padded_columns), 99);
    pack_int8({weights.data(), shape.depth, panels.data(), column_scale.data(), column_sum.data(),
               shape.depth, shape.columns},
              0, num_panels(shape.columns));
    high.resize(place(shape.rows * stride), 99);
    low.resize(place(shape.rows * stride), 99);
    row_scale.resize(place(shape.rows), 9.0F);
    quantize_rows(
        {x.data(), shape.depth, high.data(), low.data(), stride, row_scale.data(), shape.depth}, 0,
        shape.rows);
  }
  explicit Problem(const Shape& wanted)
      : Problem(wanted,
                normal_values<float>(wanted.rows * wanted.depth, 1),
                normal_values<float>(wanted.columns * wanted.depth, 2)) {}

  MatmulInt8Args args(float* out) const {
    MatmulInt8Args made;
    made.high = high.data();
    made.low = low.data();
    made.left_stride = stride;
    made.row_scale = row_scale.data();
    made.panels = panels.data();
    made.column_scale = column_scale.data();
    made.column_sum = column_sum.data();
    made.out = out;
    made.out_stride = shape.columns;
    made.rows = shape.rows;
    made.columns = shape.columns;
    made.depth = shape.depth;
    return made;
  }

  int64_t activation(int64_t r, int64_t k) const {
    return 128 * high[place(r * stride + k)] + low[place(r * stride + k)] - 16384;
  }
  int64_t weight(int64_t k, int64_t c) const {
    return panels[place(c / kPanelColumns * int8_panel_size(shape.depth) +
                        int8_panel_index(k, c % kPanelColumns))];
  }
  /// The definition: an integer sum, scaled.
  float want(int64_t r, int64_t c) const {
    int64_t sum = 0;
    for (int64_t k = 0; k < shape.depth; ++k) {
      sum += activation(r, k) * weight(k, c);
    }
    const double scale =
        static_cast<double>(row_scale[place(r)]) * static_cast<double>(column_scale[place(c)]);
    return static_cast<float>(static_cast<double>(sum) * scale);
  }

  Shape shape;
  std::vector<float> x;
  std::vector<float> weights;
  int64_t stride = 0;
  std::vector<int8_t> panels;
  std::vector<float> column_scale;
  std::vector<int32_t> column_sum;
  std::vector<uint8_t> high;
  std::vector<uint8_t> low;
  std::vector<float> row_scale;
};

std::vector<float> product(const Problem& problem) {
  std::vector<float> out(place(problem.shape.rows * problem.shape.columns), std::nanf(""));
  matmul_int8(problem.args(out.data()));
  return out;
}

class Int8Matmul : public OnEachTarget {};

TEST_P(Int8Matmul, IsTheScaledSumOfIntegersToTheBit) {
  for (const Shape& shape : kShapes) {
    const Problem problem(shape);
    const std::vector<float> got = product(problem);
    for (int64_t r = 0; r < shape.rows; ++r) {
      for (int64_t c = 0; c < shape.columns; ++c) {
        ASSERT_EQ(got[place(r * shape.columns + c)], problem.want(r, c))
            << "[" << r << ", " << c << "] of [" << shape.rows << ", " << shape.columns
            << "], depth " << shape.depth;
      }
    }
  }
}

TEST_P(Int8Matmul, StaysExactForTheGreatestSums) {
  for (const float sign : {1.0F, -1.0F}) {
    const Shape shape{2, 65, kMaxInt8Depth};
    const Problem problem(shape, std::vector<float>(place(shape.rows * shape.depth), 3.0F),
                          std::vector<float>(place(shape.columns * shape.depth), sign));
    const std::vector<float> got = product(problem);
    for (const float value : got) {
      ASSERT_EQ(value, problem.want(0, 0));
      ASSERT_NEAR(value, sign * 3.0F * 65536.0F, 0.1);
    }
  }
}

TEST_P(Int8Matmul, EqualsTheProductOfFloatsUpToTheRounding) {
  for (const Shape& shape : kShapes) {
    const Problem problem(shape);
    const std::vector<float> got = product(problem);
    for (int64_t r = 0; r < shape.rows; ++r) {
      for (int64_t c = 0; c < shape.columns; ++c) {
        double want = 0.0;
        double bound = 0.0;  // half a unit of either operand, times the other's size
        for (int64_t k = 0; k < shape.depth; ++k) {
          const double x = problem.x[place(r * shape.depth + k)];
          const double w = problem.weights[place(c * shape.depth + k)];
          const double x_error = 0.501 * problem.row_scale[place(r)];
          const double w_error = 0.501 * problem.column_scale[place(c)];
          want += x * w;
          bound += x_error * std::abs(w) + w_error * std::abs(x) + x_error * w_error;
        }
        ASSERT_NEAR(got[place(r * shape.columns + c)], want, bound + 1e-6 * std::abs(want));
      }
    }
  }
}

TEST_P(Int8Matmul, EqualsThePlainLoopsToTheBit) {
  for (const Shape& shape : kShapes) {
    const Problem problem(shape);
    const std::vector<float> got = product(problem);
    force_cpu_target(CpuTarget::kScalar);
    const Problem plain(shape);
    EXPECT_EQ(problem.high, plain.high);
    EXPECT_EQ(problem.low, plain.low);
    EXPECT_EQ(problem.row_scale, plain.row_scale);
    EXPECT_EQ(got, product(plain));
    force_cpu_target(GetParam());
  }
}

TEST_P(Int8Matmul, OneRowAloneIsBitEqualToTheSameRowAmongOthers) {
  const Problem problem({50, 100, 77});
  const std::vector<float> all = product(problem);
  for (int64_t row = 0; row < 50; ++row) {
    std::vector<float> alone(100);
    MatmulInt8Args args = problem.args(alone.data());
    args.high += row * args.left_stride;
    args.low += row * args.left_stride;
    args.row_scale += row;
    args.rows = 1;
    matmul_int8(args);
    ASSERT_TRUE(std::equal(alone.begin(), alone.end(), all.begin() + row * 100)) << "row " << row;
  }
}

TEST_P(Int8Matmul, PanelsInPartsGiveTheSameColumns) {
  const Problem problem({7, 200, 50});
  std::vector<float> parts(7 * 200);
  for (const int64_t panel : {0, 1, 2, 3}) {
    MatmulInt8Args args = problem.args(parts.data() + panel * kPanelColumns);
    args.panels += panel * int8_panel_size(50);
    args.column_scale += panel * kPanelColumns;
    args.column_sum += panel * kPanelColumns;
    args.columns = std::min<int64_t>(kPanelColumns, 200 - panel * kPanelColumns);
    matmul_int8(args);
  }
  EXPECT_EQ(parts, product(problem));
}

TEST_P(Int8Matmul, AddsToTheOutput) {
  const Problem problem({9, 70, 31});
  const std::vector<float> plain = product(problem);
  std::vector<float> sum(plain.size(), 0.5F);
  MatmulInt8Args args = problem.args(sum.data());
  args.output = MatmulOutput::kAddFloat;
  matmul_int8(args);
  for (size_t i = 0; i < plain.size(); ++i) {
    ASSERT_EQ(sum[i], 0.5F + plain[i]);
  }
}

TEST_P(Int8Matmul, RowsOfZerosGiveZeroAndThoseWithoutAValueNone) {
  const Shape shape{5, 66, 37};
  std::vector<float> x = normal_values<float>(shape.rows * shape.depth, 1);
  std::vector<float> weights = normal_values<float>(shape.columns * shape.depth, 2);
  std::fill_n(x.begin() + 37, 37, 0.0F);
  std::fill_n(x.begin() + 2 * 37, 37, 1e-40F);  // subnormal
  x[3 * 37 + 5] = std::numeric_limits<float>::infinity();
  x[4 * 37 + 36] = std::nanf("");
  std::fill_n(weights.begin() + 8 * 37, 37, 0.0F);
  weights[9 * 37 + 2] = -std::numeric_limits<float>::infinity();
  const Problem problem(shape, x, weights);
  const std::vector<float> got = product(problem);
  for (int64_t r = 0; r < shape.rows; ++r) {
    for (int64_t c = 0; c < shape.columns; ++c) {
      const float value = got[place(r * shape.columns + c)];
      if (r >= 3 || c == 9) {
        EXPECT_TRUE(std::isnan(value)) << r << ", " << c;
      } else if (r >= 1 || c == 8) {
        EXPECT_EQ(value, 0.0F) << r << ", " << c;
      } else {
        EXPECT_EQ(value, problem.want(r, c));
      }
    }
  }
}

TEST_P(Int8Matmul, IntegersAreTheNearestAndReachTheEnds) {
  const std::vector<float> x = {16383.0F, -16383.0F, 0.5F, 1.5F, -2.5F, 2.51F, -0.0F, 16382.5F};
  const std::vector<int64_t> want = {16383, -16383, 0, 2, -2, 3, 0, 16382};
  const Problem problem({1, 1, 8}, x, {127.0F, -127.0F, 0.5F, 1.5F, 2.5F, -3.5F, 63.4F, -126.6F});
  const std::vector<int64_t> want_weights = {127, -127, 0, 2, 2, -4, 63, -127};
  EXPECT_EQ(problem.row_scale[0], 1.0F);
  EXPECT_EQ(problem.column_scale[0], 1.0F);
  for (int64_t k = 0; k < 8; ++k) {
    EXPECT_EQ(problem.activation(0, k), want[place(k)]) << k;
    EXPECT_EQ(problem.weight(k, 0), want_weights[place(k)]) << k;
  }
  EXPECT_EQ(problem.column_sum[0], 127 - 127 + 2 + 2 - 4 + 63 - 127);
  EXPECT_EQ(problem.column_scale[1], 0.0F);
  EXPECT_EQ(problem.column_sum[1], 0);
}

TEST_P(Int8Matmul, TouchesNothingOutside) {
  std::mt19937_64 random(7);
  const auto pick = [&](int64_t smallest, int64_t largest) {
    return std::uniform_int_distribution<int64_t>(smallest, largest)(random);
  };
  for (int shape = 0; shape < 100; ++shape) {
    const int64_t rows = pick(1, 30);
    const int64_t columns = pick(1, 200);
    const int64_t depth = pick(1, 150);
    const int64_t stride = int8_padded_depth(depth);
    const GuardedBuffer<float> x(rows * depth);
    const GuardedBuffer<float> weights(columns * depth);
    std::copy_n(normal_values<float>(rows * depth, 3).begin(), rows * depth, x.data());
    std::copy_n(normal_values<float>(columns * depth, 4).begin(), columns * depth, weights.data());
    const GuardedBuffer<int8_t> panels(num_panels(columns) * int8_panel_size(depth));
    const GuardedBuffer<float> column_scale(num_panels(columns) * kPanelColumns);
    const GuardedBuffer<int32_t> column_sum(num_panels(columns) * kPanelColumns);
    pack_int8({weights.data(), depth, panels.data(), column_scale.data(), column_sum.data(), depth,
               columns},
              0, num_panels(columns));
    const GuardedBuffer<uint8_t> high(rows * stride);
    const GuardedBuffer<uint8_t> low(rows * stride);
    const GuardedBuffer<float> row_scale(rows);
    quantize_rows({x.data(), depth, high.data(), low.data(), stride, row_scale.data(), depth}, 0,
                  rows);
    const GuardedBuffer<float> exact_scale(columns);  // no padding is read
    const GuardedBuffer<int32_t> exact_sum(columns);
    std::copy_n(column_scale.data(), columns, exact_scale.data());
    std::copy_n(column_sum.data(), columns, exact_sum.data());
    const GuardedBuffer<float> out(rows * columns);
    matmul_int8({high.data(), low.data(), stride, row_scale.data(), panels.data(),
                 exact_scale.data(), exact_sum.data(), out.data(), columns, rows, columns, depth,
                 MatmulOutput::kStoreFloat});
    ASSERT_TRUE(std::isfinite(out.data()[pick(0, rows * columns - 1)]));
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, Int8Matmul, testing::ValuesIn(supported_targets()), target_name);

}  // namespace
}  // namespace brt::kernels
