// SPDX-License-Identifier: Apache-2.0
// Products by AMX tiles, with scratch of the caller's.
#pragma once

#include <cstdint>

#include "kernels/int8_matmul.h"
#include "kernels/matmul.h"

namespace brt::kernels {

/// Scratch of the products, aligned to 64 bytes: the left operand as tiles, then sums.
constexpr int64_t kAmxTileBytes = int64_t{1} << 20;
constexpr int64_t kAmxSumBytes = int64_t{1} << 17;
constexpr int64_t kAmxScratchBytes = kAmxTileBytes + kAmxSumBytes;

void matmul_amx(const MatmulArgs<Bfloat16>& args, char* scratch);
/// False, and nothing is done, where the depth is beyond what it takes.
bool transposed_matmul_amx(const MatmulArgs<Bfloat16>& args, char* scratch);
void matmul_int8_amx(const MatmulInt8Args& args, char* scratch);

}  // namespace brt::kernels
