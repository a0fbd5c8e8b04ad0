// SPDX-License-Identifier: Apache-2.0
// The entries of kernels/matmul.h, one per CPU target.
#pragma once

#include "kernels/matmul.h"

namespace brt::kernels {

void matmul_scalar(const MatmulArgs<float>& args);
void matmul_scalar(const MatmulArgs<Bfloat16>& args);
void matmul_avx512(const MatmulArgs<float>& args);
void matmul_avx512(const MatmulArgs<Bfloat16>& args);
void matmul_avx512bf16(const MatmulArgs<Bfloat16>& args);
void matmul_amx(const MatmulArgs<Bfloat16>& args);
/// False, and nothing is done, where the depth is beyond what it takes.
bool transposed_matmul_amx(const MatmulArgs<Bfloat16>& args);

}  // namespace brt::kernels
