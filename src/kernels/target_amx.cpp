// SPDX-License-Identifier: Apache-2.0
// Those for AVX-512 with bfloat16, with products by tiles.
#include "kernels/amx_products.h"
#include "kernels/kernel_table.h"
#include "kernels/thread_scratch.h"

namespace brt::kernels {
namespace {

void matmul_by_tiles(const MatmulArgs<Bfloat16>& args) {
  matmul_amx(args, thread_scratch(kAmxScratchBytes));
}
bool transposed_matmul_by_tiles(const MatmulArgs<Bfloat16>& args) {
  return transposed_matmul_amx(args, thread_scratch(kAmxScratchBytes));
}
void matmul_int8_by_tiles(const MatmulInt8Args& args) {
  matmul_int8_amx(args, thread_scratch(kAmxScratchBytes));
}

}  // namespace

const KernelTable& kernels_amx() {
  static const KernelTable all = [] {
    KernelTable table = kernels_avx512bf16();
    table.of_bfloat16.matmul = matmul_by_tiles;
    table.of_bfloat16.transposed_matmul = transposed_matmul_by_tiles;
    table.matmul_int8 = matmul_int8_by_tiles;
    return table;
  }();
  return all;
}

}  // namespace brt::kernels
