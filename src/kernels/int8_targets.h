// SPDX-License-Identifier: Apache-2.0
// The entries of kernels/int8_matmul.h and kernels/int8_rows.h, one per CPU target.
#pragma once

#include "kernels/int8_matmul.h"

namespace brt::kernels {

void quantize_rows_scalar(const QuantizeRowsArgs& args, int64_t begin, int64_t end);
void quantize_rows_avx512(const QuantizeRowsArgs& args, int64_t begin, int64_t end);

void matmul_int8_scalar(const MatmulInt8Args& args);
void matmul_int8_avx512(const MatmulInt8Args& args);
void matmul_int8_avx512vnni(const MatmulInt8Args& args);
/// @param scratch  kAmxScratchBytes of matmul_targets.h
void matmul_int8_amx(const MatmulInt8Args& args, char* scratch);

}  // namespace brt::kernels
