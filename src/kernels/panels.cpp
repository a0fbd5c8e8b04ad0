// SPDX-License-Identifier: Apache-2.0
// The choice of packing's target.
#include "kernels/panels.h"

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

}  // namespace

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
