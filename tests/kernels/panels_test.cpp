// SPDX-License-Identifier: Apache-2.0
#include "kernels/panels.h"

#include <bit>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/cpu_target.h"

namespace brt::kernels {
namespace {

class Panels : public testing::TestWithParam<CpuTarget> {
 protected:
  void SetUp() override { force_cpu_target(GetParam()); }
  void TearDown() override { force_cpu_target(supported_targets().back()); }
};

struct Shape {
  int64_t depth;
  int64_t columns;
};

const std::vector<Shape> kShapes = {{1, 1},  {2, 64},  {3, 65},   {16, 16}, {31, 15},
                                    {33, 7}, {64, 64}, {40, 130}, {70, 96}, {129, 17}};

/// Values that bfloat16 rounds, with ties among them.
float value_at(int64_t i) {
  return std::bit_cast<float>(static_cast<uint32_t>(0x3F800000 + 0x8000 * (i * 7919 % 1000)));
}

template <class T>
std::vector<T> source_values(int64_t size) {
  std::vector<T> values(static_cast<size_t>(size));
  for (int64_t i = 0; i < size; ++i) {
    from_float(value_at(i), values[static_cast<size_t>(i)]);
  }
  return values;
}

int64_t place(int64_t k, int64_t c, const float* /*type*/) { return k * kPanelColumns + c; }
int64_t place(int64_t k, int64_t c, const Bfloat16* /*type*/) {
  return k / 2 * 2 * kPanelColumns + 2 * c + k % 2;
}

enum class Direction { kRows, kColumns };

/// Every element of the panels, zeros included, with a source whose rows are 3 longer.
template <class Source, class T>
void expect_packed(Direction direction) {
  for (const Shape& shape : kShapes) {
    const bool rows = direction == Direction::kRows;
    const int64_t stride = (rows ? shape.columns : shape.depth) + 3;
    const std::vector<Source> source =
        source_values<Source>(stride * (rows ? shape.depth : shape.columns));
    const int64_t size = panel_size(shape.depth, static_cast<const T*>(nullptr));
    T garbage;
    from_float(-7.0F, garbage);
    std::vector<T> panels(static_cast<size_t>(num_panels(shape.columns) * size), garbage);
    const PackArgs<Source, T> args = {source.data(), stride, panels.data(), shape.depth,
                                      shape.columns};
    if (rows) {
      pack_rows(args, 0, num_panels(shape.columns));
    } else {
      pack_columns(args, 0, num_panels(shape.columns));
    }
    for (int64_t c = 0; c < num_panels(shape.columns) * kPanelColumns; ++c) {
      for (int64_t k = 0; k < size / kPanelColumns; ++k) {
        T want{};
        if (k < shape.depth && c < shape.columns) {
          from_float(value_at(rows ? k * stride + c : c * stride + k), want);
        }
        const T got = panels[static_cast<size_t>(
            c / kPanelColumns * size +
            place(k, c % kPanelColumns, static_cast<const T*>(nullptr)))];
        ASSERT_EQ(to_float(got), to_float(want)) << "k " << k << ", column " << c << " of ["
                                                 << shape.depth << ", " << shape.columns << "]";
      }
    }
  }
}

TEST_P(Panels, HoldRowsInPlace) {
  expect_packed<float, float>(Direction::kRows);
  expect_packed<float, Bfloat16>(Direction::kRows);
  expect_packed<Bfloat16, Bfloat16>(Direction::kRows);
}

TEST_P(Panels, HoldColumnsTransposed) {
  expect_packed<float, float>(Direction::kColumns);
  expect_packed<float, Bfloat16>(Direction::kColumns);
  expect_packed<Bfloat16, Bfloat16>(Direction::kColumns);
}

template <class T>
void expect_transposed() {
  for (const Shape& shape : kShapes) {
    const std::vector<T> source = source_values<T>(shape.depth * shape.columns);
    const int64_t begin = shape.columns / 3;
    const int64_t stride = shape.depth + 5;
    std::vector<T> out(static_cast<size_t>((shape.columns - begin) * stride));
    transpose(TransposeArgs<T>{source.data(), shape.columns, out.data(), stride, shape.depth, begin,
                               shape.columns});
    for (int64_t c = begin; c < shape.columns; ++c) {
      for (int64_t r = 0; r < stride; ++r) {
        const float want =
            r < shape.depth ? to_float(source[static_cast<size_t>(r * shape.columns + c)]) : 0.0F;
        ASSERT_EQ(to_float(out[static_cast<size_t>((c - begin) * stride + r)]), want);
      }
    }
  }
}

TEST_P(Panels, TransposeAnySizeAndWriteNothingElse) {
  expect_transposed<float>();
  expect_transposed<Bfloat16>();
}

INSTANTIATE_TEST_SUITE_P(Targets,
                         Panels,
                         testing::ValuesIn(supported_targets()),
                         [](const testing::TestParamInfo<CpuTarget>& target) {
                           return std::string(to_word(target.param));
                         });

}  // namespace
}  // namespace brt::kernels
