// SPDX-License-Identifier: Apache-2.0
// Products with packed weights against plain ones.
#include "engine/weight_matrix.h"

#include <map>
#include <vector>

#include <gtest/gtest.h>

#include "engine/aligned_buffer.h"
#include "engine/plain_model.h"
#include "engine/random_floats.h"

namespace brt {
namespace {

constexpr int64_t kDepth = 45;
constexpr int64_t kRows = 3;
/// Of values up to 1.5 in magnitude: half a unit of each format's numbers, times the depth.
const std::map<WeightFormat, double>& limits() {
  static const std::map<WeightFormat, double> all = {
      {WeightFormat::kFloat32, 1e-5}, {WeightFormat::kBfloat16, 0.1}, {WeightFormat::kInt8, 0.2}};
  return all;
}

/// Two sources side by side: of 70 columns and of 10.
class TwoSources {
 public:
  explicit TwoSources(WeightFormat format)
      : first(random_floats(70 * kDepth, 1)),
        second(random_floats(10 * (kDepth + 5), 2)),
        x(random_floats(kRows * kDepth, 3)),
        matrix(format, kDepth, {{first.data(), 70, kDepth}, {second.data(), 10, kDepth + 5}}),
        memory(matrix.bytes()),
        rows(format, kRows, kDepth),
        operand_memory(rows.bytes()) {
    matrix.set_memory(memory.data());
    rows.make({x.data(), kDepth, kRows}, kDepth, 0, operand_memory.data());
  }

  Operand operand() const { return rows.view(kDepth, operand_memory.data()); }
  double wanted(int64_t row, int64_t source, int64_t column) const {
    const float* x_K = x.data() + row * kDepth;
    const float* weight_K =
        source == 0 ? first.data() + column * kDepth : second.data() + column * (kDepth + 5);
    return dot({x_K, x_K + kDepth}, {weight_K, weight_K + kDepth});
  }

  std::vector<float> first;
  std::vector<float> second;
  std::vector<float> x;
  WeightMatrix matrix;
  AlignedBuffer memory;
  OperandFormat rows;
  AlignedBuffer operand_memory;
};

TEST(WeightMatrix, ColumnsOfEverySourceBeginAtAPanel) {
  const TwoSources two(WeightFormat::kFloat32);
  EXPECT_EQ(two.matrix.num_panels(), 3);
  EXPECT_EQ(two.matrix.num_sources(), 2);
  EXPECT_EQ(two.matrix.source_column(0), 0);
  EXPECT_EQ(two.matrix.source_column(1), 128);
  EXPECT_EQ(two.matrix.columns(), 138);
  EXPECT_EQ(two.matrix.depth(), kDepth);
  EXPECT_EQ(two.matrix.bytes() % 64, 0);
  EXPECT_EQ(WeightMatrix().num_panels(), 0);
}

TEST(WeightMatrix, ProductIsThatOfTheSources) {
  for (const auto& [format, limit] : limits()) {
    TwoSources two(format);
    two.matrix.pack(0, 3);
    std::vector<float> out(kRows * 138);
    two.matrix.multiply(two.operand(), kRows, {0, 3}, out.data(), 138);
    for (int64_t r = 0; r < kRows; ++r) {
      for (int64_t c = 0; c < 70; ++c) {
        EXPECT_NEAR(out[static_cast<size_t>(r * 138 + c)], two.wanted(r, 0, c), limit);
      }
      for (int64_t c = 0; c < 10; ++c) {
        EXPECT_NEAR(out[static_cast<size_t>(r * 138 + 128 + c)], two.wanted(r, 1, c), limit);
      }
    }
  }
}

TEST(WeightMatrix, PanelsMayBePackedAndMultipliedInAnyOrder) {
  for (const auto& [format, limit] : limits()) {
    TwoSources two(format);
    for (const int64_t panel : {2, 0, 1}) {
      two.matrix.pack(panel, panel + 1);
    }
    std::vector<float> whole(kRows * 138);
    std::vector<float> parts(kRows * 138);
    two.matrix.multiply(two.operand(), kRows, {0, 3}, whole.data(), 138);
    for (const int64_t panel : {1, 2, 0}) {
      two.matrix.multiply(two.operand(), kRows, {panel, panel + 1}, parts.data(), 138);
    }
    EXPECT_EQ(whole, parts) << to_word(format);
  }
}

TEST(WeightMatrix, AddsToWhatIsThere) {
  for (const auto& [format, limit] : limits()) {
    TwoSources two(format);
    two.matrix.pack(0, 3);
    std::vector<float> out(kRows * 138, 2.0F);
    two.matrix.multiply(two.operand(), kRows, {0, 3}, out.data(), 138,
                        kernels::MatmulOutput::kAddFloat);
    EXPECT_NEAR(out[138 + 5], 2.0 + two.wanted(1, 0, 5), limit) << to_word(format);
  }
}

TEST(WeightMatrix, WithoutPanelsOrRowsNothingIsWritten) {
  TwoSources two(WeightFormat::kFloat32);
  two.matrix.pack(0, 3);
  std::vector<float> out(kRows * 138, 7.0F);
  two.matrix.multiply(two.operand(), kRows, {1, 1}, out.data(), 138);
  two.matrix.multiply(two.operand(), 0, {0, 3}, out.data(), 138);
  EXPECT_EQ(out, std::vector<float>(kRows * 138, 7.0F));
}

}  // namespace
}  // namespace brt
