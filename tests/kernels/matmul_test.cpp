// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/cpu_target.h"
#include "kernels/kernel_values.h"
#include "kernels/panels.h"

namespace brt::kernels {
namespace {

struct Shape {
  int64_t rows;
  int64_t columns;
  int64_t depth;
};

class Matmul : public OnEachTarget {};

/// A product's operands, and its exact result for them.
template <class T>
struct Problem {
  explicit Problem(const Shape& shape) {
    left = normal_values<T>(shape.rows * shape.depth, 1);
    const std::vector<T> right = normal_values<T>(shape.depth * shape.columns, 2);
    panels.resize(static_cast<size_t>(num_panels(shape.columns) *
                                      panel_size(shape.depth, static_cast<const T*>(nullptr))));
    pack_rows(
        PackArgs<T, T>{right.data(), shape.columns, panels.data(), shape.depth, shape.columns}, 0,
        num_panels(shape.columns));
    want.resize(static_cast<size_t>(shape.rows * shape.columns));
    for (int64_t r = 0; r < shape.rows; ++r) {
      for (int64_t c = 0; c < shape.columns; ++c) {
        double sum = 0.0;
        for (int64_t k = 0; k < shape.depth; ++k) {
          sum += static_cast<double>(to_float(left[static_cast<size_t>(r * shape.depth + k)])) *
                 static_cast<double>(to_float(right[static_cast<size_t>(k * shape.columns + c)]));
        }
        want[static_cast<size_t>(r * shape.columns + c)] = sum;
      }
    }
    args = {left.data(),   shape.depth,   panels.data(),
            nullptr,       shape.columns, shape.rows,
            shape.columns, shape.depth,   MatmulOutput::kStoreFloat};
  }

  std::vector<T> left;
  std::vector<T> panels;
  std::vector<double> want;
  MatmulArgs<T> args;
};

const std::vector<Shape> kShapes = {{1, 1, 1},    {1, 64, 2},    {5, 65, 7},     {6, 128, 64},
                                    {7, 63, 33},  {97, 130, 40}, {192, 64, 300}, {13, 200, 513},
                                    {3, 1000, 1}, {0, 64, 8}};

template <class T>
void expect_products_equal() {
  for (const Shape& shape : kShapes) {
    Problem<T> problem(shape);
    std::vector<float> got(problem.want.size(), std::nanf(""));
    problem.args.out = got.data();
    matmul(problem.args);
    for (size_t i = 0; i < got.size(); ++i) {
      ASSERT_NEAR(got[i], problem.want[i], 2e-5 * std::sqrt(static_cast<double>(shape.depth)))
          << "element " << i << " of [" << shape.rows << ", " << shape.columns << "], depth "
          << shape.depth;
    }
  }
}

TEST_P(Matmul, EqualsTheExactProductInFloat32) { expect_products_equal<float>(); }
TEST_P(Matmul, EqualsTheExactProductInBfloat16) { expect_products_equal<Bfloat16>(); }

TEST_P(Matmul, AddsToTheOutput) {
  Problem<Bfloat16> problem({9, 70, 31});
  std::vector<float> got(problem.want.size(), 0.5F);
  problem.args.out = got.data();
  problem.args.output = MatmulOutput::kAddFloat;
  matmul(problem.args);
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_NEAR(got[i], problem.want[i] + 0.5, 1e-4);
  }
}

TEST_P(Matmul, StoresRoundedAndRectifiedValues) {
  Problem<Bfloat16> problem({9, 70, 31});
  std::vector<Bfloat16> got(problem.want.size());
  problem.args.out = got.data();
  problem.args.output = MatmulOutput::kStoreRelu;
  matmul(problem.args);
  for (size_t i = 0; i < got.size(); ++i) {
    const double want = std::max(problem.want[i], 0.0);
    ASSERT_NEAR(to_float(got[i]), want, 1e-4 + want / 256);
  }
}

/// Each row of a product alone against the same row among all.
void expect_rows_alone_equal(const Problem<Bfloat16>& problem, MatmulOutput output) {
  const int64_t rows = problem.args.rows;
  const int64_t columns = problem.args.columns;
  std::vector<float> all(problem.want.size(), 0.25F);
  MatmulArgs<Bfloat16> args = problem.args;
  args.output = output;
  args.out = all.data();
  matmul(args);
  for (int64_t row = 0; row < rows; ++row) {
    std::vector<float> alone(static_cast<size_t>(columns), 0.25F);
    args.left = problem.args.left + row * args.left_stride;
    args.rows = 1;
    args.out = alone.data();
    matmul(args);
    ASSERT_EQ(std::memcmp(alone.data(), &all[static_cast<size_t>(row * columns)],
                          alone.size() * sizeof(float)),
              0)
        << "row " << row << " of [" << rows << ", " << columns << "], depth " << args.depth;
  }
}

TEST_P(Matmul, OneRowAloneIsBitEqualToTheSameRowAmongOthers) {
  for (const Shape& shape : {Shape{50, 100, 77}, Shape{20, 128, 64}, Shape{40, 64, 128},
                             Shape{20, 70, 31}, Shape{18, 5, 1}, Shape{33, 64, 127}}) {
    const Problem<Bfloat16> problem(shape);
    expect_rows_alone_equal(problem, MatmulOutput::kStoreFloat);
    expect_rows_alone_equal(problem, MatmulOutput::kAddFloat);
  }
}

void scale_values(std::vector<Bfloat16>& values, float scale) {
  for (Bfloat16& value : values) {
    from_float(to_float(value) * scale, value);
  }
}

TEST_P(Matmul, OneRowAloneIsBitEqualWithDenormalNumbersToo) {
  struct Scales {
    float left;
    float right;
  };
  // Products around and below the smallest normal number; then operands below it.
  for (const Scales& scales : {Scales{1e-19F, 1e-19F}, Scales{1e-20F, 1e-20F},
                               Scales{1e-39F, 1e20F}, Scales{1e20F, 1e-39F}}) {
    Problem<Bfloat16> problem({20, 64, 96});
    scale_values(problem.left, scales.left);
    scale_values(problem.panels, scales.right);
    expect_rows_alone_equal(problem, MatmulOutput::kStoreFloat);
  }
}

TEST_P(Matmul, RowsOfADeepProductDoNotDependOnHowManyThereAre) {
  Problem<Bfloat16> problem({192, 64, 1500});
  std::vector<float> all(problem.want.size());
  problem.args.out = all.data();
  matmul(problem.args);
  for (const int64_t rows : {int64_t{64}, int64_t{90}, int64_t{160}}) {
    std::vector<float> some(static_cast<size_t>(rows * 64));
    MatmulArgs<Bfloat16> args = problem.args;
    args.rows = rows;
    args.out = some.data();
    matmul(args);
    ASSERT_TRUE(std::equal(some.begin(), some.end(), all.begin())) << rows << " rows";
  }
}

template <class T>
void expect_panel_form_equal() {
  for (const Shape& shape : {Shape{64, 70, 31}, Shape{5, 64, 600}, Shape{50, 100, 77}}) {
    Problem<T> problem(shape);
    std::vector<float> rows(problem.want.size());
    problem.args.out = rows.data();
    matmul(problem.args);
    std::vector<T> left(static_cast<size_t>(panel_size(shape.depth, problem.args.left)));
    pack_columns(
        PackArgs<T, T>{problem.left.data(), shape.depth, left.data(), shape.depth, shape.rows}, 0,
        1);
    std::vector<float> panel(problem.want.size());
    problem.args.left = left.data();
    problem.args.left_form = LeftForm::kPanel;
    problem.args.out = panel.data();
    matmul(problem.args);
    ASSERT_EQ(panel, rows) << shape.rows << " rows, depth " << shape.depth;
  }
}

TEST_P(Matmul, TakesTheLeftOperandAsAPanelInFloat32) { expect_panel_form_equal<float>(); }
TEST_P(Matmul, TakesTheLeftOperandAsAPanelInBfloat16) { expect_panel_form_equal<Bfloat16>(); }

/// The same bits from rows and from the transpose, of sizes beyond what a target keeps in
/// the cache at once.
template <class T>
void expect_transposed_equal() {
  for (const Shape& shape : {Shape{64, 70, 31}, Shape{300, 130, 77}, Shape{5, 64, 2600},
                             Shape{290, 64, 3000}, Shape{33, 65, 17000}}) {
    Problem<T> problem(shape);
    std::vector<float> rows(problem.want.size());
    problem.args.out = rows.data();
    matmul(problem.args);
    std::vector<T> left(problem.left.size());
    transpose(TransposeArgs<T>{problem.left.data(), shape.depth, left.data(), shape.rows,
                               shape.rows, 0, shape.depth});
    std::vector<T> scratch(static_cast<size_t>(panel_size(shape.depth, problem.args.left)));
    std::vector<float> transposed(problem.want.size());
    problem.args.left = left.data();
    problem.args.left_stride = shape.rows;
    problem.args.left_form = LeftForm::kTransposed;
    problem.args.out = transposed.data();
    transposed_matmul(problem.args, scratch.data());
    ASSERT_EQ(transposed, rows) << shape.rows << " rows, depth " << shape.depth;
  }
}

TEST_P(Matmul, TakesTheLeftOperandTransposedInFloat32) { expect_transposed_equal<float>(); }
TEST_P(Matmul, TakesTheLeftOperandTransposedInBfloat16) { expect_transposed_equal<Bfloat16>(); }

TEST_P(Matmul, StoresTheSumWithAnAddend) {
  Problem<Bfloat16> problem({9, 70, 31});
  const std::vector<float> addend = normal_values<float>(9 * 70, 3);
  std::vector<float> got(problem.want.size(), std::nanf(""));
  problem.args.out = got.data();
  problem.args.output = MatmulOutput::kStoreSum;
  problem.args.addend = addend.data();
  matmul(problem.args);
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_NEAR(got[i], problem.want[i] + static_cast<double>(addend[i]), 1e-4);
  }
}

TEST_P(Matmul, StoresZeroWhereTheMaskIsZero) {
  Problem<Bfloat16> problem({9, 70, 31});
  std::vector<Bfloat16> mask(problem.want.size());
  for (size_t i = 0; i < mask.size(); i += 3) {
    from_float(0.5F, mask[i]);
  }
  std::vector<Bfloat16> got(problem.want.size());
  problem.args.out = got.data();
  problem.args.output = MatmulOutput::kStore;
  problem.args.mask = mask.data();
  matmul(problem.args);
  for (size_t i = 0; i < got.size(); ++i) {
    const double want = i % 3 == 0 ? problem.want[i] : 0.0;
    ASSERT_NEAR(to_float(got[i]), want, i % 3 == 0 ? 1e-4 + std::abs(want) / 256 : 0.0);
  }
}

/// The same bits with and without the bands, where they say that something is to be seen.
template <class T>
void expect_bands_change_nothing(const Shape& shape,
                                 const Band& depth_band,
                                 const Band& column_band) {
  Problem<T> problem(shape);
  for (int64_t r = 0; r < shape.rows; ++r) {
    for (int64_t k = 0; k < shape.depth; ++k) {
      if (k < r + depth_band.begin || k >= r + depth_band.end) {
        problem.left[static_cast<size_t>(r * shape.depth + k)] = T{};
      }
    }
  }
  std::vector<float> whole(problem.want.size());
  problem.args.out = whole.data();
  matmul(problem.args);
  std::vector<float> banded(problem.want.size(), std::nanf(""));
  problem.args.out = banded.data();
  problem.args.depth_band = depth_band;
  problem.args.column_band = column_band;
  matmul(problem.args);
  for (int64_t r = 0; r < shape.rows; ++r) {
    for (int64_t c = std::max<int64_t>(0, r + column_band.begin);
         c < std::min(shape.columns, r + column_band.end); ++c) {
      const size_t place = static_cast<size_t>(r * shape.columns + c);
      ASSERT_EQ(banded[place], whole[place]) << "row " << r << " column " << c;
    }
  }
}

TEST_P(Matmul, LeavesOutOnlyWhatTheBandsHide) {
  for (const Band depth :
       {Band{}, Band{0, 128}, Band{-60, 3}, Band{300, 301}, Band{-200, -100}, Band{690, 900}}) {
    for (const Band columns : {Band{}, Band{0, 128}, Band{-40, 1}, Band{130, 400}}) {
      for (const int64_t rows : {1, 50}) {
        expect_bands_change_nothing<float>({rows, 192, 700}, depth, columns);
        expect_bands_change_nothing<Bfloat16>({rows, 192, 700}, depth, columns);
      }
    }
  }
}

TEST_P(Matmul, LeavesOutOfAShortRowOnlyWhatTheBandsHide) {
  for (const Band depth : {Band{}, Band{5, 128}, Band{-60, 3}, Band{31, 33}, Band{-2, -1},
                           Band{97, 98}, Band{200, 300}}) {
    for (const Band columns :
         {Band{}, Band{0, 16}, Band{15, 17}, Band{-40, 1}, Band{100, 101}, Band{47, 300}}) {
      for (const Shape& shape : {Shape{1, 64, 128}, Shape{1, 128, 64}, Shape{1, 130, 41}}) {
        expect_bands_change_nothing<float>(shape, depth, columns);
        expect_bands_change_nothing<Bfloat16>(shape, depth, columns);
      }
    }
  }
}

TEST_P(Matmul, WritesNothingOutsideOfItsColumns) {
  Problem<float> problem({8, 30, 5});
  std::vector<float> got(8 * 40, 7.0F);
  problem.args.out = got.data();
  problem.args.out_stride = 40;
  matmul(problem.args);
  for (size_t row = 0; row < 8; ++row) {
    for (size_t column = 30; column < 40; ++column) {
      ASSERT_EQ(got[row * 40 + column], 7.0F);
    }
  }
}

TEST_P(Matmul, RunsOnTheForcedTarget) { EXPECT_EQ(cpu_target(), GetParam()); }

INSTANTIATE_TEST_SUITE_P(Targets, Matmul, testing::ValuesIn(supported_targets()), target_name);

}  // namespace
}  // namespace brt::kernels
