// SPDX-License-Identifier: Apache-2.0
// The elementwise part of attention in plain C++.
#include "kernels/attention_rows-inl.h"

namespace brt::kernels {

const AttentionRowFunctions<float>& attention_rows_scalar(const float* /*type*/) {
  static constexpr AttentionRowFunctions<float> kFunctions = {softmax_of<float>,
                                                              softmax_gradient_of<float>};
  return kFunctions;
}

const AttentionRowFunctions<Bfloat16>& attention_rows_scalar(const Bfloat16* /*type*/) {
  static constexpr AttentionRowFunctions<Bfloat16> kFunctions = {softmax_of<Bfloat16>,
                                                                 softmax_gradient_of<Bfloat16>};
  return kFunctions;
}

}  // namespace brt::kernels
