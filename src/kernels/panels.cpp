// SPDX-License-Identifier: Apache-2.0
// The choice of packing's target.
#include "kernels/panels.h"

#include <algorithm>

#include "kernels/cpu_target.h"
#include "kernels/panels_targets.h"

namespace brt::kernels {
namespace {

const PanelFunctions& functions() {
#if defined(__x86_64__)
  if (cpu_target() >= CpuTarget::kAvx512) {
    return panels_avx512();
  }
#endif
  return panels_scalar();
}

template <class T>
void pack_range(const PackArgs<T, T>& args, int64_t first, int64_t count) {
  const int64_t size = panel_size(args.depth, args.panels);
  for (int64_t panel = 0; panel < num_panels(args.columns); ++panel) {
    const int64_t column = panel * kPanelColumns;
    PackArgs<T, T> part = args;
    part.source += first * args.source_stride + column;
    part.panels += panel * size + first * kPanelColumns;
    part.depth = count;
    part.columns = std::min(kPanelColumns, args.columns - column);
    pack_rows(part, 0, 1);
  }
}

}  // namespace

void pack_row_range(const PackArgs<float, float>& args, int64_t first, int64_t count) {
  pack_range(args, first, count);
}
void pack_row_range(const PackArgs<Bfloat16, Bfloat16>& args, int64_t first, int64_t count) {
  pack_range(args, first, count);
}

void pack_rows(const PackArgs<float, float>& args, int64_t begin, int64_t end) {
  functions().rows_float(args, begin, end);
}
void pack_rows(const PackArgs<float, Bfloat16>& args, int64_t begin, int64_t end) {
  functions().rows_rounded(args, begin, end);
}
void pack_rows(const PackArgs<Bfloat16, Bfloat16>& args, int64_t begin, int64_t end) {
  functions().rows_bfloat16(args, begin, end);
}
void pack_columns(const PackArgs<float, float>& args, int64_t begin, int64_t end) {
  functions().columns_float(args, begin, end);
}
void pack_columns(const PackArgs<float, Bfloat16>& args, int64_t begin, int64_t end) {
  functions().columns_rounded(args, begin, end);
}
void pack_columns(const PackArgs<Bfloat16, Bfloat16>& args, int64_t begin, int64_t end) {
  functions().columns_bfloat16(args, begin, end);
}
void transpose(const TransposeArgs<float>& args) { functions().transpose_float(args); }
void transpose(const TransposeArgs<Bfloat16>& args) { functions().transpose_bfloat16(args); }

}  // namespace brt::kernels
