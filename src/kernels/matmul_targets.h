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

/// Scratch of the products with tiles, here and of int8, aligned to 64 bytes: the left operand as
/// tiles, then sums.
constexpr int64_t kAmxTileBytes = int64_t{1} << 20;
constexpr int64_t kAmxSumBytes = int64_t{1} << 17;
constexpr int64_t kAmxScratchBytes = kAmxTileBytes + kAmxSumBytes;

void matmul_amx(const MatmulArgs<Bfloat16>& args, char* scratch);
/// False, and nothing is done, where the depth is beyond what it takes.
bool transposed_matmul_amx(const MatmulArgs<Bfloat16>& args, char* scratch);

}  // namespace brt::kernels
