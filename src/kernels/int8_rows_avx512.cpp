// SPDX-License-Identifier: Apache-2.0
// Rows to integers in plain loops, compiled for AVX-512.
#include "kernels/int8_rows-inl.h"
#include "kernels/int8_targets.h"

namespace brt::kernels {

void quantize_rows_avx512(const QuantizeRowsArgs& args, int64_t begin, int64_t end) {
  quantize_each_row(args, begin, end);
}

}  // namespace brt::kernels
