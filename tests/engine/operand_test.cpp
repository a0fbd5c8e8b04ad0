// SPDX-License-Identifier: Apache-2.0
// Rows as operands of the three weight formats.
#include "engine/operand.h"

#include <cmath>
#include <cstring>
#include <map>
#include <vector>

#include <gtest/gtest.h>

#include "engine/aligned_buffer.h"
#include "engine/random_floats.h"

namespace brt {
namespace {

constexpr int64_t kDepth = 37;
constexpr WeightFormat kFormats[] = {WeightFormat::kFloat32, WeightFormat::kBfloat16,
                                     WeightFormat::kInt8};

/// Number k of row r, as a product takes it.
double value_of(const Operand& operand, int64_t r, int64_t k) {
  const int64_t index = r * operand.stride + k;
  if (operand.floats != nullptr) {
    return operand.floats[index];
  }
  if (operand.rounded != nullptr) {
    return kernels::to_float(operand.rounded[index]);
  }
  const int integer = 128 * operand.high[index] + operand.low[index] - 16384;
  return static_cast<double>(operand.scale[r]) * integer;
}

TEST(Operand, RowsAreWhatTheyWereToWithinTheirFormat) {
  const std::vector<float> x = random_floats(5 * kDepth, 1);
  const std::map<WeightFormat, double> limits = {{WeightFormat::kFloat32, 0.0},
                                                 {WeightFormat::kBfloat16, 1.5 * 0x1p-8},
                                                 {WeightFormat::kInt8, 1.5 / 16383}};
  for (const auto& [format, limit] : limits) {
    const OperandFormat rows(format, /*rows=*/5, kDepth);
    AlignedBuffer memory(rows.bytes());
    rows.make({x.data(), kDepth, 5}, kDepth, 0, memory.data());
    const Operand operand = rows.view(kDepth, memory.data());
    for (int64_t r = 0; r < 5; ++r) {
      for (int64_t k = 0; k < kDepth; ++k) {
        EXPECT_NEAR(value_of(operand, r, k), x[static_cast<size_t>(r * kDepth + k)], limit)
            << to_word(format);
      }
    }
  }
}

TEST(Operand, ARowDoesNotDependOnTheOthers) {
  const std::vector<float> x = random_floats(5 * kDepth, 2);
  for (const WeightFormat format : kFormats) {
    const OperandFormat rows(format, /*rows=*/5, kDepth);
    AlignedBuffer together(rows.bytes());
    AlignedBuffer apart(rows.bytes());
    rows.make({x.data(), kDepth, 5}, kDepth, 0, together.data());
    for (const int64_t row : {3, 0, 4, 1, 2}) {
      rows.make({x.data() + row * kDepth, kDepth, 1}, kDepth, row, apart.data());
    }
    EXPECT_EQ(std::memcmp(together.data(), apart.data(), static_cast<size_t>(rows.bytes())), 0)
        << to_word(format);
  }
}

TEST(Operand, RowsMayLieApartAndBeShallowerThanTheMemory) {
  const std::vector<float> x = random_floats(3 * 50, 3);
  for (const WeightFormat format : kFormats) {
    const OperandFormat rows(format, /*rows=*/3, kDepth);
    AlignedBuffer memory(rows.bytes());
    rows.make({x.data(), 50, 3}, /*depth=*/7, 0, memory.data());
    const Operand operand = rows.view(7, memory.data());
    EXPECT_NEAR(value_of(operand, 2, 6), x[2 * 50 + 6], 0x1p-7) << to_word(format);
  }
}

TEST(Operand, RestOfTheRows) {
  const std::vector<float> x = random_floats(4 * kDepth, 4);
  for (const WeightFormat format : kFormats) {
    const OperandFormat rows(format, /*rows=*/4, kDepth);
    AlignedBuffer memory(rows.bytes());
    rows.make({x.data(), kDepth, 4}, kDepth, 0, memory.data());
    const Operand operand = rows.view(kDepth, memory.data());
    EXPECT_EQ(value_of(operand.from_row(2), 1, 5), value_of(operand, 3, 5)) << to_word(format);
  }
}

TEST(Operand, MemoryIsInWholeLines) {
  for (const WeightFormat format : kFormats) {
    EXPECT_EQ(OperandFormat(format, 3, kDepth).bytes() % 64, 0) << to_word(format);
  }
}

}  // namespace
}  // namespace brt
