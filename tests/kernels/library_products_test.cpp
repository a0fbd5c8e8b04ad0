// SPDX-License-Identifier: Apache-2.0
#include "kernels/library_products.h"

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/cpu_target.h"
#include "kernels/kernel_values.h"
#include "kernels/matmul.h"
#include "kernels/panels.h"

namespace brt::kernels {
namespace {

int num_calls = 0;

/// In the order of the scalar target's own sums.
void plain_product(const LibraryProductArgs& args) {
  ++num_calls;
  for (int64_t r = 0; r < args.rows; ++r) {
    for (int64_t c = 0; c < args.columns; ++c) {
      float sum = args.adds ? args.out[r * args.out_stride + c] : 0.0F;
      for (int64_t k = 0; k < args.depth; ++k) {
        sum += args.left[r * args.left_row_stride + k * args.left_depth_stride] *
               args.right[k * args.right_stride + c];
      }
      args.out[r * args.out_stride + c] = sum;
    }
  }
}

class LibraryProductsTest : public testing::Test {
 protected:
  void SetUp() override {
    force_cpu_target(CpuTarget::kScalar);
    num_calls = 0;
  }
  void TearDown() override {
    use_portable_arithmetic(false);
    force_cpu_target(supported_targets().back());
  }
};

/// A product [97, 130] of depth 41, with each kind of output.
template <class T>
struct Problem {
  Problem() {
    panels.resize(static_cast<size_t>(num_panels(kColumns) * panel_size(kDepth, panels.data())));
    pack_rows(PackArgs<T, T>{right.data(), kColumns, panels.data(), kDepth, kColumns}, 0,
              num_panels(kColumns));
  }

  /// Its output's bytes, which begin as `addend`; of a left operand as it lies or transposed.
  std::vector<float> product(MatmulOutput output, LeftForm form) const {
    std::vector<float> out = addend;
    MatmulArgs<T> args{left.data(), kDepth,   panels.data(), out.data(), kColumns,
                       kRows,       kColumns, kDepth,        output};
    args.addend = output == MatmulOutput::kStoreSum ? addend.data() : nullptr;
    if (form == LeftForm::kRows) {
      matmul(args);
      return out;
    }
    std::vector<T> transposed(left.size());
    transpose(TransposeArgs<T>{left.data(), kDepth, transposed.data(), kRows, kRows, 0, kDepth});
    std::vector<T> scratch(static_cast<size_t>(panel_size(kDepth, panels.data())));
    args.left = transposed.data();
    args.left_stride = kRows;
    args.left_form = form;
    transposed_matmul(args, scratch.data());
    return out;
  }

  static constexpr int64_t kRows = 97;
  static constexpr int64_t kColumns = 130;
  static constexpr int64_t kDepth = 41;
  std::vector<T> left = normal_values<T>(kRows * kDepth, 1);
  std::vector<T> right = normal_values<T>(kDepth * kColumns, 2);
  std::vector<float> addend = normal_values<float>(kRows * kColumns, 3);
  std::vector<T> panels;
};

template <class T>
void expect_products_of_the_library_equal_own() {
  const Problem<T> problem;
  for (const LeftForm form : {LeftForm::kRows, LeftForm::kTransposed}) {
    for (const MatmulOutput output :
         {MatmulOutput::kStore, MatmulOutput::kStoreRelu, MatmulOutput::kStoreFloat,
          MatmulOutput::kAddFloat, MatmulOutput::kStoreSum}) {
      const std::vector<float> own = problem.product(output, form);
      EXPECT_EQ(num_calls, 0);
      const LibraryProducts products(plain_product);
      EXPECT_EQ(problem.product(output, form), own);
      EXPECT_GT(num_calls, 0);
      num_calls = 0;
    }
  }
}

TEST_F(LibraryProductsTest, EqualTheTargetsOwnInFloat32) {
  expect_products_of_the_library_equal_own<float>();
}
TEST_F(LibraryProductsTest, EqualTheTargetsOwnInBfloat16) {
  expect_products_of_the_library_equal_own<Bfloat16>();
}

TEST_F(LibraryProductsTest, EndWithTheirScope) {
  const Problem<float> problem;
  {
    const LibraryProducts products(plain_product);
    problem.product(MatmulOutput::kStoreFloat, LeftForm::kRows);
  }
  const int calls = num_calls;
  EXPECT_GT(calls, 0);
  problem.product(MatmulOutput::kStoreFloat, LeftForm::kRows);
  EXPECT_EQ(num_calls, calls);
}

TEST_F(LibraryProductsTest, AreNotUsedInPortableArithmetic) {
  use_portable_arithmetic(true);
  const LibraryProducts products(plain_product);
  Problem<float>().product(MatmulOutput::kStoreFloat, LeftForm::kRows);
  EXPECT_EQ(num_calls, 0);
}

TEST_F(LibraryProductsTest, AreNotUsedByOtherTargets) {
  for (const CpuTarget target : supported_targets()) {
    if (target != CpuTarget::kScalar) {
      force_cpu_target(target);
      const LibraryProducts products(plain_product);
      Problem<float>().product(MatmulOutput::kStoreFloat, LeftForm::kRows);
      Problem<Bfloat16>().product(MatmulOutput::kStoreFloat, LeftForm::kRows);
    }
  }
  EXPECT_EQ(num_calls, 0);
}

}  // namespace
}  // namespace brt::kernels
