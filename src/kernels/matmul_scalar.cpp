// SPDX-License-Identifier: Apache-2.0
// The matrix product in plain loops.
#include "kernels/matmul-inl.h"
#include "kernels/matmul_targets.h"

namespace brt::kernels {
namespace {

struct ScalarMicro {
  static constexpr int kMaxRows = 2;

  template <int kRows, int kVectors, class T>
  static void product(const Left<T>& left,
                      const T* panel,
                      int64_t depth,
                      float* out,
                      int64_t out_stride,
                      bool accumulate) {
    constexpr int64_t kColumns = kVectors * kVectorColumns;
    for (int row = 0; row < kRows; ++row) {
      float sums[kColumns];
      for (int64_t c = 0; c < kColumns; ++c) {
        sums[c] = accumulate ? out[row * out_stride + c] : 0.0F;
      }
      for (int64_t k = 0; k < depth; ++k) {
        const float factor = to_float(left.at(row, k));
        for (int64_t c = 0; c < kColumns; ++c) {
          sums[c] += factor * to_float(panel[panel_index(k, c, panel)]);
        }
      }
      for (int64_t c = 0; c < kColumns; ++c) {
        out[row * out_stride + c] = sums[c];
      }
    }
  }
};

}  // namespace

void matmul_scalar(const MatmulArgs<float>& args) {
  blocked_matmul(args, panel_product<ScalarMicro, float>);
}
void matmul_scalar(const MatmulArgs<Bfloat16>& args) {
  blocked_matmul(args, panel_product<ScalarMicro, Bfloat16>);
}

}  // namespace brt::kernels
