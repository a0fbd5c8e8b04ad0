// SPDX-License-Identifier: Apache-2.0
// The elementwise part of attention in AVX-512, which rounds to bfloat16 itself.
#include "kernels/attention_rows_vectors-inl.h"
#include "kernels/vector_avx512-inl.h"

namespace brt::kernels {

const AttentionRowFunctions<Bfloat16>& attention_rows_avx512bf16(const Bfloat16* /*type*/) {
  static constexpr AttentionRowFunctions<Bfloat16> kFunctions =
      row_functions<Avx512Vector, Bfloat16>();
  return kFunctions;
}

}  // namespace brt::kernels
