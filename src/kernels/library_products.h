// SPDX-License-Identifier: Apache-2.0
// Products of a matrix library in place of the scalar target's own.
#pragma once

#include <cstdint>

namespace brt::kernels {

/// out [rows, columns] = left [rows, depth] right [depth, columns], or += if `adds`; float32, all
/// of them but the left operand row by row. Element [r, k] of that is
/// left[r * left_row_stride + k * left_depth_stride], and one of the strides is 1.
struct LibraryProductArgs {
  const float* left = nullptr;
  int64_t left_row_stride = 0;
  int64_t left_depth_stride = 0;
  const float* right = nullptr;
  int64_t right_stride = 0;
  float* out = nullptr;
  int64_t out_stride = 0;
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t depth = 0;
  bool adds = false;
};
using LibraryProduct = void (*)(const LibraryProductArgs& args);

/// While it lives, matmul (kernels/matmul.h) on the calling thread is made of such products where
/// the scalar target computes, except in portable arithmetic; other targets' own are faster. Then
/// the order of a sum is the library's, and may depend on the product's rows.
class LibraryProducts {
 public:
  explicit LibraryProducts(LibraryProduct product);
  ~LibraryProducts();
  LibraryProducts(const LibraryProducts&) = delete;
  LibraryProducts& operator=(const LibraryProducts&) = delete;

 private:
  LibraryProduct before_;
};

/// What the calling thread's products are to be made of, or null: of the target's own.
LibraryProduct library_product();

}  // namespace brt::kernels
