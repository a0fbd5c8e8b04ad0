// SPDX-License-Identifier: Apache-2.0
// The choice of the matrix product's target.
#include "kernels/matmul.h"

#include "kernels/cpu_target.h"
#include "kernels/matmul_targets.h"

namespace brt::kernels {
namespace {

PanelProduct& given_product() {
  static PanelProduct product = nullptr;
  return product;
}

}  // namespace

void set_panel_product(PanelProduct product) { given_product() = product; }

void matmul(const MatmulArgs<float>& args) {
#if defined(__x86_64__)
  if (cpu_target() >= CpuTarget::kAvx512) {
    matmul_avx512(args);
    return;
  }
#endif
  matmul_scalar(args);
}

void matmul(const MatmulArgs<Bfloat16>& args) {
#if defined(__x86_64__)
  if (cpu_target() == CpuTarget::kBrgemm && given_product() != nullptr && !args.rows_stand_alone) {
    matmul_avx512_with(args, given_product());
    return;
  }
  if (cpu_target() >= CpuTarget::kAvx512Bf16) {
    matmul_avx512bf16(args);
    return;
  }
  if (cpu_target() >= CpuTarget::kAvx512) {
    matmul_avx512(args);
    return;
  }
#endif
  matmul_scalar(args);
}

}  // namespace brt::kernels
