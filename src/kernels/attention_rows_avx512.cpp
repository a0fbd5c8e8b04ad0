// SPDX-License-Identifier: Apache-2.0
// The elementwise part of attention in AVX-512.
#include "kernels/attention_rows_vectors-inl.h"
#include "kernels/vector_avx512-inl.h"

namespace brt::kernels {

const AttentionRowFunctions<float>& attention_rows_avx512(const float* /*type*/) {
  static constexpr AttentionRowFunctions<float> kFunctions = row_functions<Avx512Vector, float>();
  return kFunctions;
}

const AttentionRowFunctions<Bfloat16>& attention_rows_avx512(const Bfloat16* /*type*/) {
  static constexpr AttentionRowFunctions<Bfloat16> kFunctions =
      row_functions<Avx512Vector, Bfloat16>();
  return kFunctions;
}

}  // namespace brt::kernels
