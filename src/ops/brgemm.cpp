// SPDX-License-Identifier: Apache-2.0
// LibTorch's small matrix products for the kernels.
#include "ops/brgemm.h"

#include <algorithm>
#include <mutex>

#include <ATen/native/CPUBlas.h>

#include "kernels/matmul.h"

namespace brt {
namespace {

constexpr int64_t kDepthStep = 512;  // of a panel: 64 KiB, and few shapes that must be compiled

/// Panels of bfloat16 pairs are what brgemm calls VNNI layout.
void panel_product(const kernels::Bfloat16* left,
                   int64_t left_stride,
                   const kernels::Bfloat16* panel,
                   int64_t depth,
                   float* out,
                   int64_t out_stride,
                   int64_t rows,
                   bool accumulate) {
  const auto* left_values = reinterpret_cast<const at::BFloat16*>(left);
  const auto* panel_values = reinterpret_cast<const at::BFloat16*>(panel);
  for (int64_t from = 0; from < depth; from += kDepthStep) {
    at::native::cpublas::brgemm(rows, kernels::kPanelColumns, std::min(kDepthStep, depth - from),
                                left_stride, kernels::kPanelColumns, out_stride,
                                /*add_C=*/accumulate || from > 0, left_values + from,
                                panel_values + from * kernels::kPanelColumns, out,
                                /*is_vnni=*/true);
  }
}

}  // namespace

void give_brgemm_to_kernels() {
  static std::once_flag given;
  std::call_once(given, [] { kernels::set_panel_product(panel_product); });
}

}  // namespace brt
