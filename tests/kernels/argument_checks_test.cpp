// SPDX-License-Identifier: Apache-2.0
// What kernels assert of their arguments, and that they do so in builds with assertions.
#include "kernels/argument_checks.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/adamw_update.h"
#include "kernels/attention.h"
#include "kernels/gates.h"
#include "kernels/int8_matmul.h"
#include "kernels/matmul.h"
#include "kernels/panels.h"
#include "kernels/rms_norm.h"
#include "kernels/rounding.h"
#include "kernels/softmax_gradient.h"

namespace brt::kernels {
namespace {

/// An address of an array that no float may have.
template <class T>
T* misaligned(T* array) {
  return reinterpret_cast<T*>(reinterpret_cast<uintptr_t>(array) + 1);
}

TEST(ArgumentChecks, AnArrayHasAnAddressThatItsElementsMayHave) {
  const std::array<float, 2> values{};
  EXPECT_TRUE(is_array(values.data(), 2));
  EXPECT_FALSE(is_array(values.data(), -1));
  EXPECT_FALSE(is_array(misaligned(values.data()), 1));
  EXPECT_FALSE(is_array<float>(nullptr, 1));
  EXPECT_TRUE(is_array<float>(nullptr, 0));
}

TEST(ArgumentChecks, RowsOfAMatrixDoNotReachIntoEachOther) {
  const std::array<float, 6> values{};
  EXPECT_TRUE(is_matrix(values.data(), 2, 3, 3));
  EXPECT_FALSE(is_matrix(values.data(), 2, 3, 2));
  EXPECT_TRUE(is_matrix(values.data(), 1, 3, 0)) << "one row has no next one";
  EXPECT_FALSE(is_matrix(values.data(), -1, 3, 3));
}

TEST(ArgumentChecks, ARangeLiesWithinTheWhole) {
  EXPECT_TRUE(is_range(0, 0, 0));
  EXPECT_TRUE(is_range(1, 3, 3));
  EXPECT_FALSE(is_range(1, 4, 3));
  EXPECT_FALSE(is_range(2, 1));
  EXPECT_FALSE(is_range(-1, 1));
}

TEST(ArgumentChecks, ArraysThatTouchAreApart) {
  const std::array<float, 4> values{};
  EXPECT_TRUE(are_apart(values.data(), 2, values.data() + 2, 2));
  EXPECT_TRUE(are_apart(values.data() + 2, 2, values.data(), 2));
  EXPECT_FALSE(are_apart(values.data(), 3, values.data() + 2, 2));
  EXPECT_TRUE(are_apart(values.data(), 0, values.data(), 4));
  const std::array<Bfloat16, 4> halves{};
  EXPECT_FALSE(are_apart(reinterpret_cast<const float*>(halves.data()), 1, halves.data() + 1, 1));
}

#if defined(BRT_ASSERTIONS)

/// Rows of 4 elements and panels for every argument below.
class KernelArgumentsDeathTest : public testing::Test {
 protected:
  std::vector<float> x_ = std::vector<float>(256, 0.5F);
  std::vector<float> y_ = std::vector<float>(256, 0.5F);
  std::vector<float> panels_ = std::vector<float>(256, 0.5F);
  std::vector<float> out_ = std::vector<float>(256);
  std::vector<float> root_ = std::vector<float>(256);

  MatmulArgs<float> product() {
    return {.left = x_.data(),
            .left_stride = 4,
            .panels = panels_.data(),
            .out = out_.data(),
            .out_stride = 4,
            .rows = 2,
            .columns = 4,
            .depth = 4};
  }
};

TEST_F(KernelArgumentsDeathTest, OfProducts) {
  matmul(product());
  MatmulArgs<float> args = product();
  args.out_stride = 3;
  EXPECT_DEATH(matmul(args), "assertion failed");
  args = product();
  args.left_stride = 3;
  EXPECT_DEATH(matmul(args), "assertion failed");
  args = product();
  args.panels = misaligned(panels_.data());
  EXPECT_DEATH(matmul(args), "assertion failed");
  args = product();
  args.output = MatmulOutput::kStoreSum;
  EXPECT_DEATH(matmul(args), "assertion failed") << "nothing to add";
  args = product();
  args.left_form = LeftForm::kTransposed;
  EXPECT_DEATH(matmul(args), "assertion failed") << "is of transposed_matmul";
  EXPECT_DEATH(transposed_matmul(product(), root_.data()), "assertion failed");
  args = product();
  args.left_form = LeftForm::kPanel;
  args.rows = kPanelColumns + 1;
  EXPECT_DEATH(matmul(args), "assertion failed") << "a panel has 64 rows";
}

TEST_F(KernelArgumentsDeathTest, OfInt8Products) {
  const std::vector<uint8_t> bytes(8);
  const std::vector<int8_t> panel(256);
  const std::vector<int32_t> sums(64);
  MatmulInt8Args args;
  args.high = bytes.data();
  args.low = bytes.data();
  args.left_stride = 4;
  args.row_scale = x_.data();
  args.panels = panel.data();
  args.column_scale = y_.data();
  args.column_sum = sums.data();
  args.out = out_.data();
  args.out_stride = 4;
  args.rows = 2;
  args.columns = 4;
  args.depth = 3;
  matmul_int8(args);
  args.left_stride = 3;
  EXPECT_DEATH(matmul_int8(args), "assertion failed") << "rows are padded to quads";
  args.left_stride = kMaxInt8Depth + 4;
  args.depth = kMaxInt8Depth + 1;
  EXPECT_DEATH(matmul_int8(args), "assertion failed") << "sums would overflow";
}

TEST_F(KernelArgumentsDeathTest, OfPacking) {
  const PackArgs<float, float> args{x_.data(), 4, panels_.data(), 4, 4};
  pack_rows(args, 0, 1);
  EXPECT_DEATH(pack_rows(args, 0, 2), "assertion failed") << "there is one panel";
  EXPECT_DEATH(pack_columns(args, 1, 0), "assertion failed");
  EXPECT_DEATH(pack_row_range(args, 1, 2), "assertion failed") << "begins at an odd row";
  EXPECT_DEATH(pack_row_range(args, 2, 3), "assertion failed") << "beyond the depth";
  EXPECT_DEATH(transpose(TransposeArgs<float>{x_.data(), 4, out_.data(), 1, 2, 0, 4}),
               "assertion failed");
}

TEST_F(KernelArgumentsDeathTest, OfAttention) {
  AttentionHead<float> head;
  head.key_columns = panels_.data();
  head.value_rows = panels_.data();
  head.head_size = 4;
  head.num_keys = 3;
  head.window = 2;
  AttentionTile<float> tile;
  tile.rows = 2;
  tile.stride = 4;
  tile.query = x_.data();
  tile.out = out_.data();
  tile.log_sum = root_.data();
  struct alignas(64) Line {
    char bytes[64];
  };
  std::vector<Line> scratch(static_cast<size_t>(attention_scratch_bytes(head)) / 64 + 1);
  EXPECT_DEATH(attention_forward(head, tile, scratch.front().bytes + 32), "assertion failed");
  tile.first = 1;
  EXPECT_DEATH(attention_forward(head, tile, scratch.data()), "assertion failed")
      << "the last row would see a key that is not there";
  tile.first = 0;
  tile.rows = kAttentionRows + 1;
  EXPECT_DEATH(attention_forward(head, tile, scratch.data()), "assertion failed");
}

TEST_F(KernelArgumentsDeathTest, OfRowsAndElements) {
  const RmsNormArgs<float> norm{x_.data(), y_.data(), out_.data(), root_.data(), 4, 1e-6F};
  rms_norm(norm, 0, 2);
  EXPECT_DEATH(rms_norm(norm, 2, 1), "assertion failed");
  EXPECT_DEATH(rms_norm({x_.data(), y_.data(), x_.data(), root_.data(), 4, 1e-6F}, 0, 2),
               "assertion failed")
      << "in place";
  EXPECT_DEATH(
      fixed_gate(FixedGateArgs<float>{x_.data(), y_.data(), nullptr, out_.data(), 4}, 0, 1),
      "assertion failed");
  EXPECT_DEATH(round_row(x_.data(), out_.data(), -1), "assertion failed");
  EXPECT_DEATH(softmax_sums({.logits = x_.data(),
                             .logits_stride = 4,
                             .rows = 1,
                             .columns = 4,
                             .scale = 0.0F,
                             .sums = std::array<SoftmaxSum, 1>().data()}),
               "assertion failed");
  EXPECT_DEATH(adamw_update(AdamWArrays<float>{x_.data(), y_.data(), y_.data(), out_.data()},
                            AdamWFactors{}, 0, 4),
               "assertion failed")
      << "both moments in one place";
}

#endif

}  // namespace
}  // namespace brt::kernels
